"""Inside `ml` imports point one way, from the steps down to the configuration."""

from pathlib import Path

import pytest

from settings import ROOT
from tests.contracts.code.test_packages_stay_apart import imports_of

# From the lowest layer to the highest; names on one line are of one layer, and may not import one another.
LAYERS = (
    ("errors",),
    ("plugins", "metrics", "keras_setup"),
    ("config", "onnx_export", "training_loop"),
    ("data",),
    ("runs",),
    ("retrieval",),
    ("ranking",),
    ("evaluation",),
    ("bundles",),
    ("gate",),
    ("report",),
    ("studies",),
    ("steps",),
    (
        "__main__",
        "customers",
    ),  # the recommender's command and the second product, which nothing of the recommender imports
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def upward(name: str, source: str) -> set[str]:
    """Return the imports of a source in the part `name` of `ml` that are not of a lower layer."""
    parts = {found.split(".")[1] for found in imports_of(source) if found.startswith("ml.")} - {name}
    return {part for part in parts if LEVEL[part] >= LEVEL[name]}


def part_of(file: Path) -> str:
    return file.relative_to(ROOT / "ml").parts[0].removesuffix(".py")


def test_every_part_of_training_has_a_layer():
    assert {part_of(file) for file in (ROOT / "ml").rglob("*.py")} - {"__init__"} == set(LEVEL)


@pytest.mark.parametrize("name", LEVEL)
def test_a_part_of_training_imports_lower_layers_only(name: str):
    files = [file for file in (ROOT / "ml").rglob("*.py") if part_of(file) == name]
    assert files
    found = {str(file.relative_to(ROOT)): upward(name, file.read_text()) for file in files}
    assert {file: names for file, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("name", "source"),
    [("config", "from ml.ranking import models"), ("studies", "def f():\n    from ml.steps.gate import gate")],
)
def test_an_upward_import_is_seen(name: str, source: str):
    assert upward(name, source)
