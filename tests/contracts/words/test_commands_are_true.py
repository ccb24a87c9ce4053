"""Commands in the documents exist, and every command explains itself."""

import re
import subprocess
from pathlib import Path

from settings import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, flags=re.MULTILINE))
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
# Words of the makers, not of make: "make sure", "make it".
COMMAND = re.compile(r"`make ([a-z0-9-]+)|^\s*(?:[A-Z_]+=\S+ )*make ([a-z0-9-]+)", flags=re.MULTILINE)


def commands_in(text: str) -> set[str]:
    return {first or second for first, second in COMMAND.findall(text)}


def test_documents_name_only_commands_that_exist() -> None:
    assert DOCUMENTS
    named = {document.name: commands_in(document.read_text()) for document in DOCUMENTS}
    assert any(named.values())
    assert {name: wrong for name, found in named.items() if (wrong := found - TARGETS)} == {}


def test_messages_and_comments_name_only_commands_that_exist() -> None:
    sources = [file for package in ROOT.glob("*/__init__.py") for file in package.parent.rglob("*.py")]
    sources += [*(ROOT / "dags").glob("*.py"), ROOT / "docker-compose.yml"]
    named = {
        str(file.relative_to(ROOT)): set(re.findall(r"[`']make ([a-z0-9-]+)", file.read_text())) for file in sources
    }
    assert {name: wrong for name, found in named.items() if (wrong := found - TARGETS)} == {}


def test_help_lists_every_command() -> None:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = set(re.findall(r"^  make ([a-z0-9-]+) +\S", printed, flags=re.MULTILINE))
    assert listed == TARGETS


def test_modules_the_makefile_starts_exist() -> None:
    modules = set(re.findall(r"(?:\$\(PYTHON\)|python) -m ([a-z_.]+)", MAKEFILE)) - {
        "deptry",
        "pytest",
        "ruff",
        "sqlfluff",
        "mypy",
        "venv",
        "tensorboard.main",
    }
    assert {"local", "ml", "registry", "serving", "benchmarks.quality"} <= modules
    places = {name: ROOT / name.replace(".", "/") for name in modules}
    missing = [n for n, p in places.items() if not ((p / "__main__.py").is_file() or p.with_suffix(".py").is_file())]
    assert missing == []


def test_ci_runs_the_same_tests_as_people() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text().rstrip().endswith("exec make test")
    assert "set -euo pipefail" in script.read_text()
    command = r"-m pytest -n 2 --dist loadfile --no-loadscope-reorder"
    assert re.search(rf"^test:.*\n\t\$\(PYTHON\) {command}$", MAKEFILE, flags=re.MULTILINE)


def test_links_between_documents_lead_somewhere() -> None:
    missing = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            if not Path(document.parent / target).exists():
                missing.append(f"{document.name} -> {target}")
    assert missing == []


def test_files_that_documents_name_exist() -> None:
    named = {
        f"{document.name}: {path}"
        for document in DOCUMENTS
        if not document.name.startswith("add-a-")  # those name the file that their reader writes
        for path in re.findall(r"`((?:[\w.]+/)+[\w.]+\.(?:py|toml|sql|yml))`", document.read_text())
        if not (ROOT / path).exists()
    }
    assert named == set()
