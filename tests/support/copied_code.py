"""Copy the project's code, for tests that change it or run it elsewhere."""

import shutil
from pathlib import Path

from settings import ROOT

_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*_cache", "target", "logs")
_FILES = ("pyproject.toml", "uv.lock", "settings.py", "products.py")


def copy_code(folder: Path) -> Path:
    """Copy every package, the DAGs, the dbt project and the tests into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = [path.parent.name for path in ROOT.glob("*/__init__.py")]
    for name in (*packages, "dags", "dbt"):
        shutil.copytree(ROOT / name, folder / name, ignore=_LEFT_OUT)
    for file in _FILES:
        shutil.copy(ROOT / file, folder)
    return folder
