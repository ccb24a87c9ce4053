"""Which deployed version is a fair opponent."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from core.files.bundle import MANIFEST
from ml.bundles.champion import comparable_champion, deployed_champion
from ml.config import load_config
from ml.data.splits import Split
from ml.runs import artifacts
from ml.runs.not_enough_data import record_not_enough_data
from ml.runs.spec import RunSpec, dataset
from ml.steps.register_model import register_model
from registry.champion_alias import Registry
from registry.model_store import ModelStore
from scoring.bundle import VOCABULARY, Bundle
from scoring.rank_features import NUMERIC
from scoring.schema import CONTENT
from scoring.vocabulary import Vocabulary
from settings import Settings
from tests.support.ml.small_run import write_run
from tests.support.serving.small_bundle import write_bundle


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Version v1, trained on purchases until 2018-01-01, is deployed."""
    settings = Settings(data=tmp_path / "data")
    deploy(settings, write_bundle(tmp_path / "bundle", "v1", as_of=date(2018, 1, 1)), "v1")
    return settings


def deploy(settings: Settings, bundle: Path, version: str) -> None:
    ModelStore(settings.paths.bentoml).put(bundle, version)
    Registry(settings.paths.release).deploy(version, None, "test", "test")


def made_with(bundle: Path, **features: list[str]) -> Path:
    """The bundle as an older code wrote it."""
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps(manifest | features))
    return bundle


def spec(as_of: date, evaluated: datetime) -> RunSpec:
    now = datetime(as_of.year, as_of.month, as_of.day, 5)
    return RunSpec("r", as_of, 7, "", "f", load_config(), Split(now, evaluated, [], []))


def test_the_deployed_version_is_evaluated_on_weeks_it_has_not_seen(settings: Settings):
    later = spec(date(2018, 2, 12), datetime(2018, 1, 15, 5))
    champion = comparable_champion(settings, later)
    assert champion is not None
    assert champion.version == "v1"


def test_a_version_that_knows_the_window_is_no_opponent(settings: Settings, capsys: pytest.CaptureFixture[str]):
    earlier = spec(date(2017, 12, 4), datetime(2017, 11, 6, 5))
    assert comparable_champion(settings, earlier) is None
    assert "v1 was trained on purchases until 2018-01-01, inside the evaluation window" in capsys.readouterr().out


def test_before_the_first_deployment_there_is_no_champion(tmp_path: Path):
    later = spec(date(2018, 2, 12), datetime(2018, 1, 15, 5))
    assert comparable_champion(Settings(data=tmp_path), later) is None


def test_a_version_made_with_other_features_is_no_opponent(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    settings = Settings(data=tmp_path / "data")
    older = made_with(write_bundle(tmp_path / "bundle", "v1"), numeric=[*NUMERIC[1:], "moon_phase"])
    deploy(settings, older, "v1")
    assert comparable_champion(settings, spec(date(2018, 2, 12), datetime(2018, 1, 15, 5))) is None
    said = capsys.readouterr().out
    assert f"other features than this code computes (new here: {NUMERIC[0]}; gone: moon_phase)" in said


def test_a_version_of_an_earlier_format_is_no_opponent(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    settings = Settings(data=tmp_path / "data")
    deploy(settings, write_bundle(tmp_path / "bundle", "v1"), "v1")
    stored = ModelStore(settings.paths.bentoml).path("v1") / MANIFEST
    manifest = json.loads(stored.read_text())
    stored.write_text(json.dumps({name: manifest[name] for name in manifest if name != "format"}))
    assert comparable_champion(settings, spec(date(2018, 2, 12), datetime(2018, 1, 15, 5))) is None
    assert "Bundle v1 has format 1" in capsys.readouterr().out


@pytest.mark.parametrize("older", [True, False])
def test_only_a_version_of_the_present_features_gets_a_new_catalogue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], older: bool
):
    settings = Settings(data=tmp_path / "data")
    run = write_run(tmp_path / "runs")
    run.write_json(artifacts.GATE, {"publish": False})
    bundle = write_bundle(tmp_path / "bundle", "v1", as_of=date(2017, 12, 4))
    content = {field: [f"{field} {i}" for i in range(4)] for field in CONTENT}
    Vocabulary({"product_id": ["p00", "p01", "p02"]} | content).save(bundle / VOCABULARY)
    deploy(settings, made_with(bundle, categorical=["moon_phase"]) if older else bundle, "v1")
    published = register_model(settings, run, dry_run=False)
    assert published == (None if older else {"version": "v1_2018-01-01"})
    if not older:
        golden = Bundle.open(ModelStore(settings.paths.bentoml).path("v1_2018-01-01")).golden
        people = [customer.to_features() for customer in dataset(run).customers(RunSpec.read(run).split.now)[1]]
        assert golden
        assert [item for item in golden if item.features in people] == []
    assert ("so its catalogue cannot move on to 2018-01-01" in capsys.readouterr().out) is older


@pytest.mark.parametrize(("known", "is_another"), [(1, True), (2, False)])
def test_a_version_that_knows_few_of_the_products_sold_lately_is_another_shops(
    settings: Settings, known: int, is_another: bool
):
    sold = [f"p{i:02}" for i in range(20)]
    champion = deployed_champion(settings)
    assert champion is not None
    Vocabulary({"product_id": [*sold[:known], "elsewhere"]}).save(champion.path / VOCABULARY)
    assert (champion.another_shop(sold) is not None) is is_another
    assert champion.another_shop([]) is None


def test_another_shops_version_gives_way_to_the_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    settings = Settings(data=tmp_path / "data")
    run = write_run(tmp_path / "runs")
    record_not_enough_data(run, "build-dataset", "Too few customers.")
    run.write_json(artifacts.GATE, {"publish": False, "reasons": ["Too few customers."], "opponent": None})
    bundle = write_bundle(tmp_path / "bundle", "v1", as_of=date(2017, 12, 4))
    Vocabulary({"product_id": ["elsewhere"]}).save(bundle / VOCABULARY)
    deploy(settings, bundle, "v1")
    published = register_model(settings, run, dry_run=False)
    assert published is not None
    assert "v1 was trained with 0 of the" in published["baseline"]
    assert "so it is of another shop's data." in capsys.readouterr().out
