"""The names of all options that Airflow, its Celery provider and Cosmos read, from their own files."""

import re
import runpy
from importlib.util import find_spec
from pathlib import Path

import yaml


def airflow_options() -> set[tuple[str, str]]:
    """(section, option), in lower case."""
    sections = yaml.safe_load((_folder("airflow") / "config_templates" / "config.yml").read_text())
    known = {(section, option) for section, body in sections.items() for option in body["options"]}
    named = re.findall(r'"cosmos",\s*"(\w+)"', (_folder("cosmos") / "settings.py").read_text())
    celery = runpy.run_path(str(_folder("airflow") / "providers" / "celery" / "get_provider_info.py"))
    known |= {
        (name, option) for name, body in celery["get_provider_info"]()["config"].items() for option in body["options"]
    }
    return known | {("cosmos", option) for option in named}


def unknown_options(names: list[str]) -> list[str]:
    """Return the environment names AIRFLOW__SECTION__OPTION that are not options of Airflow."""
    known = airflow_options()
    asked = {name: tuple(name.lower().split("__")[1:]) for name in names if name.startswith("AIRFLOW__")}
    return sorted(name for name, option in asked.items() if option not in known)


def _folder(package: str) -> Path:
    """Where a package is installed, without importing it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])
