"""The commit hooks run the same checks as `make lint`."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]


def test_hooks_run_what_make_lint_runs() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert recipe is not None
    checks = set(re.findall(r"-m (\w+(?: (?:check|format|lint))?)", recipe[1]))
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = {re.sub(r"^\.venv/bin/python -m ", "", hook["entry"]) for hook in repository["hooks"]}
    assert repository["repo"] == "local"
    assert {check for check in checks if any(hook.startswith(check) for hook in hooks)} == checks
    assert len(hooks) == len(checks)
