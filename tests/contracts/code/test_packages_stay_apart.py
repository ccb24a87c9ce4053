"""Which package may import which, asserted from the imports of every file."""

import ast
from pathlib import Path

import pytest

from settings import ROOT

# Modules of the root, which are not packages.
MODULES = {"settings", "products"}
# A package -> the other packages of Reach that it may import, whole or by module.
MAY_IMPORT: dict[str, set[str]] = {
    "settings": {"core"},
    "products": set(),
    "core": set(),
    "events": {"settings", "core"},
    "customer_scores": {"settings", "core"},
    "experiments": {"settings", "core"},
    "online_experiments": {
        *("settings", "core", "experiments"),
        # Only whether a version is in the model store.
        *("registry.model_store", "registry.errors"),
    },
    "landing": {"settings", "core", "events.event_log", "events.factory", "events.errors"},
    "quality": {"settings", "core", "features", "customer_scores", "experiments", "outbox"},
    "features": {"settings", "core"},
    "feature_repo": {"settings", "features"},
    "feature_store": {
        "settings",
        "core",
        "features",
        "feature_repo",
        "customer_scores",
        "events.event_log",
        "events.factory",
        "events.errors",
    },
    "scoring": {"features", "core"},
    "registry": {"settings", "core", "products"},
    "pages": {"settings", "core", "registry.release_log", "registry.errors"},
    "outbox": {"settings", "core"},
    "marketing": {
        *("settings", "core", "features", "events.fields", "experiments", "outbox", "customer_scores"),
        # Only which version is the champion: lists of another one are not sent.
        *("registry.champion_alias", "registry.errors"),
    },
    "monitoring": {
        *("settings", "core", "features.publication", "registry.champion_alias", "registry.errors"),
        "registry.model_store",
    },
    "ml": {"settings", "core", "scoring", "registry", "features", "feature_store", "marketing", "experiments"},
    "serving": {
        *("settings", "products", "scoring", "registry", "features", "feature_store.online", "feature_store.profiles"),
        *("events", "core", "customer_scores", "marketing", "online_experiments", "experiments"),
        *("outbox.customers.records", "outbox.store", "outbox.customers.unsubscribe", "outbox.errors"),
    },
    "console": {
        *("settings", "products", "core", "registry.champion_alias", "registry.release_log", "registry.errors"),
        *("features.publication", "features.errors", "customer_scores", "marketing", "experiments", "outbox"),
        *("retention.space", "retention.policy", "landing.contract", "online_experiments", "monitoring.result"),
        "monitoring.errors",
    },
    "dags": {"settings", "orchestration"},
    "orchestration": {"settings", "core"},
    "retention": {"settings", "core"},
    "local": {"settings", "core", "orchestration.pools", "retention", "console.access.users"},
}
# Imports that no file of a package may have: the reason for separate packages.
NEVER: dict[str, set[str]] = {
    "core": {"airflow", "feast", "tensorflow", "great_expectations", "dbt", "bentoml", "pandas", "numpy"},
    "customer_scores": {"airflow", "feast", "tensorflow", "great_expectations", "dbt", "bentoml", "pandas"},
    "events": {"airflow", "feast", "tensorflow", "great_expectations", "dbt", "bentoml", "pandas", "numpy"},
    "experiments": {"airflow", "feast", "tensorflow", "sklearn", "great_expectations", "dbt", "bentoml", "pandas"},
    "online_experiments": {
        "airflow",
        "feast",
        "tensorflow",
        "sklearn",
        "great_expectations",
        "dbt",
        "bentoml",
        "pandas",
    },
    "landing": {"airflow", "feast", "tensorflow", "great_expectations", "dbt", "bentoml"},
    "quality": {"airflow", "feast", "tensorflow", "dbt", "bentoml"},
    "features": {"airflow", "feast", "tensorflow", "great_expectations", "dbt", "bentoml", "pandas", "duckdb"},
    "feature_repo": {"airflow", "tensorflow", "great_expectations", "dbt", "bentoml", "duckdb"},
    "feature_store": {"airflow", "tensorflow", "great_expectations", "dbt", "bentoml"},
    "scoring": {"airflow", "feast", "tensorflow", "great_expectations", "dbt", "bentoml", "pandas"},
    "registry": {"airflow", "feast", "tensorflow", "great_expectations", "dbt"},
    "pages": {"airflow", "feast", "tensorflow", "great_expectations", "dbt", "bentoml", "pandas", "numpy", "duckdb"},
    "outbox": {"airflow", "feast", "tensorflow", "great_expectations", "dbt", "bentoml", "pandas", "numpy", "duckdb"},
    "marketing": {
        "airflow",
        "feast",
        "tensorflow",
        "sklearn",
        "great_expectations",
        "dbt",
        "bentoml",
        "pandas",
    },
    "monitoring": {"airflow", "feast", "tensorflow", "sklearn", "great_expectations", "dbt", "bentoml", "pandas"},
    "ml": {"airflow", "great_expectations", "dbt"},
    "serving": {"airflow", "tensorflow", "tf_keras", "great_expectations", "dbt"},
    "orchestration": {"feast", "tensorflow", "great_expectations", "bentoml", "pandas", "numpy", "duckdb"},
    "dags": {"feast", "tensorflow", "great_expectations", "bentoml", "pandas", "numpy", "duckdb"},
    "retention": {
        "airflow",
        "feast",
        "tensorflow",
        "great_expectations",
        "dbt",
        "bentoml",
        "pandas",
        "numpy",
        "duckdb",
    },
    "console": {"airflow", "feast", "tensorflow", "sklearn", "great_expectations", "dbt", "bentoml", "pandas"},
    "local": {"airflow", "feast", "tensorflow", "great_expectations", "bentoml"},
}


def files_of(package: str) -> list[Path]:
    return [ROOT / f"{package}.py"] if package in MODULES else sorted((ROOT / package).rglob("*.py"))


def imports_of(source: str) -> set[str]:
    """Dotted names of all modules a source imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # `from orchestration import pools` names the module orchestration.pools.
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def forbidden(package: str, source: str) -> set[str]:
    """Return the forbidden imports of a source of a package."""
    others = set(MAY_IMPORT) - {package}
    wrong = set()
    for name in imports_of(source):
        top = name.partition(".")[0]
        allowed = any(name == known or name.startswith(f"{known}.") for known in MAY_IMPORT[package])
        if (top in others and not allowed) or top in NEVER.get(package, set()):
            wrong.add(name)
    return wrong


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    files = files_of(package)
    assert files
    found = {str(file.relative_to(ROOT)): forbidden(package, file.read_text()) for file in files}
    assert {file: names for file, names in found.items() if names} == {}


def test_every_package_is_listed() -> None:
    with_code = {file.parent.name for file in ROOT.glob("*/*.py")} - {"tests", "benchmarks", "data"}
    assert with_code == set(MAY_IMPORT) - MODULES


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("scoring", "import ml.runs"),
        ("registry", "from scoring.bundle import Bundle"),
        ("dags", "from ml.runs.run import Run"),
        ("serving", "def load():\n    import tensorflow as tf"),
        ("serving", "from feature_store.offline_store import open_store"),
        ("ml", "from orchestration import pools"),
        ("local", "from orchestration.operators import CommandOperator"),
    ],
)
def test_a_forbidden_import_is_seen(package: str, source: str) -> None:
    assert forbidden(package, source)


def test_the_dags_start_commands_in_one_place_only() -> None:
    imports = {file.name: imports_of(file.read_text()) for file in files_of("orchestration")}
    assert {name for name, found in imports.items() if "subprocess" in found} == {"operators.py"}
    # The lock is opened, and the session that holds it is killed, by the operating system's own calls.
    assert {name for name, found in imports.items() if "os" in found} == {"operators.py", "exclusive_run.py"}


def test_dbts_folder_is_no_python_package() -> None:
    """An `__init__.py` there would stand before dbt itself on the import path."""
    assert not (ROOT / "dbt" / "__init__.py").exists()


@pytest.mark.parametrize("package", ["registry", "events", "features", "core", "serving"])
def test_a_product_without_a_service_is_written_in_its_own_package_only(package: str) -> None:
    """`products.py` names the customer model; its code, its words and its files are in ml/customers."""
    for file in files_of(package):
        assert "churn" not in file.read_text().lower(), file
        assert not {name for name in imports_of(file.read_text()) if name.startswith("ml")}, file
