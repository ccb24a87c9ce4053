"""The whole path of the second product on made-up customers: train, gate, register, deploy, list, roll back, prune."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

from features.publication import Publication, write_record
from ml.customers.__main__ import main as customers
from ml.customers.bundle import GOLDEN, MODEL, ChurnBundle
from ml.customers.dataset import FEATURES, PROFILE, PURCHASES, RECENCY
from registry.__main__ import main as registry
from registry.bundle import ServedBundle, find_product, load_opener
from registry.champion_alias import Registry
from registry.model_store import ModelStore
from settings import Settings

AS_OF = date(2018, 1, 1)
CUSTOMERS = 1500


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with published features of customers whose discounts, and nothing else, tell who stays.

    The log odds of buying nothing in eight weeks are -1 - 4 x share of discounts; both halves of the eight weeks are
    drawn apart, so each passes without a purchase with the root of that probability.
    """
    data = tmp_path_factory.mktemp("data")
    settings = Settings(data=data)
    rng = np.random.default_rng(11)
    instants = settings.snapshot_instants(AS_OF)
    ids = np.array([f"c{number:04}" for number in range(CUSTOMERS)])
    discount = rng.uniform(0, 1, CUSTOMERS)
    folder = data / "features" / "2018-01-01-made"
    folder.mkdir(parents=True)
    profiles, purchases = [], []
    for instant in instants:
        baskets, recency = rng.integers(5, 50, CUSTOMERS).astype(float), rng.uniform(0.5, 70, CUSTOMERS)
        columns = {name: rng.gamma(1.0, 10.0, CUSTOMERS) for name in FEATURES}
        columns |= {"baskets": baskets, RECENCY: recency, "days_since_first_basket": recency + 200}
        columns |= {"discount_share": discount}
        profiles.append(pa.table({"customer_id": ids, "event_timestamp": [instant] * CUSTOMERS, **columns}))
        bought = ids[rng.uniform(size=CUSTOMERS) < 1 - np.sqrt(expit(-1 - 4 * discount))]
        purchases.append(pa.table({"customer_id": bought, "event_timestamp": [instant] * len(bought)}))
    pq.write_table(pa.concat_tables(profiles), folder / PROFILE)
    pq.write_table(pa.concat_tables(purchases), folder / PURCHASES)
    rows = {"customers": CUSTOMERS}
    write_record(folder, Publication(folder.name, AS_OF, instants[0], "made", rows, datetime(2018, 1, 1, 6)))
    (data / "features" / "current").symlink_to(folder.name)
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own with the made features."""
    (tmp_path / "features").symlink_to(made / "features")
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    return tmp_path


def step(capsys: pytest.CaptureFixture[str], name: str, *arguments: str, run_id: str = "r1") -> dict[str, Any]:
    code = customers([name, "--run-id", run_id, *arguments])
    output = capsys.readouterr()
    assert code in (0, 99), output.err
    result: dict[str, Any] = json.loads(output.out.splitlines()[-1])
    return result


def trained(capsys: pytest.CaptureFixture[str], run_id: str = "r1") -> str:
    """Run all steps up to a registered version, and return it."""
    step(capsys, "build-dataset", "--as-of", "2018-01-01", run_id=run_id)
    for name in ("train", "gate"):
        step(capsys, name, run_id=run_id)
    return str(step(capsys, "register-model", run_id=run_id)["version"])


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    registry([*arguments])
    result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return result


def test_a_model_that_sees_more_than_the_rules_is_trained_gated_registered_and_deployed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = trained(capsys)
    decision = json.loads((data / "runs" / "churn" / "r1" / "gate.json").read_text())

    assert decision["publish"], decision["reasons"]
    assert decision["scores"]["model"]["auc"] > decision["scores"]["BG/NBD"]["auc"]
    assert command(capsys, "deploy", "--product=churn", f"--version={version}")["generation"] == 1
    assert command(capsys, "verify", "--product=churn", f"--version={version}") == {
        "version": version,
        "service": "none",
    }
    status = command(capsys, "status")["products"]
    assert status["churn"]["version"] == version
    assert status["recommender"] == {"version": None, "generation": 0, "previous": None, "versions": []}


def test_the_same_commands_roll_back_and_prune(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = trained(capsys)
    store = ModelStore(data / "bentoml", "churn")
    second = f"{first}-2"
    copied = data / "copied"
    bundle = ChurnBundle.open(store.path(first))
    copied.mkdir()
    for name in (MODEL, GOLDEN):
        (copied / name).write_bytes((bundle.path / name).read_bytes())
    manifest = bundle.manifest.model_copy(update={"version": second})
    (copied / "manifest.json").write_text(manifest.model_dump_json())
    store.put(copied, second)
    for version in (first, second):
        command(capsys, "deploy", "--product=churn", f"--version={version}")

    assert command(capsys, "rollback", "--product=churn", "--reason=a test")["version"] == first
    assert command(capsys, "prune", "--product=churn", "--keep=1")["kept"] == sorted([first, second])


def test_scores_are_of_the_champion_and_of_active_customers_only(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command(capsys, "deploy", "--product=churn", f"--version={trained(capsys)}")
    written = step(capsys, "score", run_id="scores")
    table = pq.read_table(written["scores"]).to_pydict()

    assert 0 < len(table["customer_id"]) == written["customers"] < CUSTOMERS
    assert table["churn_probability"] == sorted(table["churn_probability"], reverse=True)
    assert set(table["model_version"]) == {written["version"]}


def test_where_no_model_is_better_the_strongest_rule_is_registered_until_a_model_is(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(capsys)
    gate = data / "runs" / "churn" / "r1" / "gate.json"
    decision = json.loads(gate.read_text())
    gate.write_text(json.dumps(decision | {"publish": False, "reasons": ["No lead."]}))
    rule = step(capsys, "register-model")
    bundle = ChurnBundle.open(ModelStore(data / "bentoml", "churn").path(rule["version"]))

    assert rule["baseline"].endswith("because no model is shown to be better. No lead.")
    assert int(np.count_nonzero(bundle.model.coefficients)) == 1
    command(capsys, "deploy", "--product=churn", f"--version={rule['version']}")
    assert "A simple rule is released" in Registry(data / "release", "churn").history()[-1].reason

    gate.write_text(json.dumps(decision))
    command(capsys, "deploy", "--product=churn", f"--version={step(capsys, 'register-model')['version']}")
    gate.write_text(json.dumps(decision | {"publish": False}))
    assert step(capsys, "register-model") == {}


def test_registering_a_run_again_is_the_same_version(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = trained(capsys)

    assert step(capsys, "register-model")["version"] == version
    assert ModelStore(data / "bentoml", "churn").versions() == [version]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (MODEL, "{}", "model.json of bundle"),
        (GOLDEN, "{}", "golden.json of bundle"),
        ("more.pkl", "", "more.pkl is in"),
    ],
)
def test_an_altered_bundle_is_rejected_and_the_rejection_logged(
    data: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, words: str
) -> None:
    version = trained(capsys)
    (ModelStore(data / "bentoml", "churn").path(version) / name).write_text(content)

    with pytest.raises(SystemExit, match=words):
        registry(["deploy", "--product=churn", f"--version={version}"])
    assert Registry(data / "release", "churn").history()[-1].change == "rejected"


def test_no_bento_is_built_of_a_product_without_a_service(data: Path) -> None:
    with pytest.raises(SystemExit, match="No service answers with the product 'churn'"):
        registry(["build", "--product=churn"])


def test_features_of_another_day_are_an_error_that_names_both(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert customers(["build-dataset", "--run-id", "r1", "--as-of", "2018-02-01"]) == 1
    assert "as of 2018-01-01, not 2018-02-01" in capsys.readouterr().err


def test_every_declared_opener_exists_and_only_the_recommender_is_served() -> None:
    from scoring.bundle import Bundle

    assert load_opener(find_product("churn")) == ChurnBundle.open
    assert load_opener(find_product("recommender")) == Bundle.open
    assert hasattr(Bundle, "service_probes")
    assert not hasattr(ChurnBundle, "service_probes")
    assert ServedBundle is not None
