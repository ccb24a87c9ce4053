"""The whole path of the second product with two small parts: fit, register, deploy, score, carry over, roll back."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from core.command import ExitCode
from features.publication import Publication, write_record
from ml.customers import bundle, fitting, steps
from ml.customers.__main__ import main as customers
from ml.customers.bundle import CustomersBundle
from ml.customers.inputs import Inputs
from ml.customers.part import Decision, Measure, Verdict
from ml.customers.prune import prune
from ml.errors import NotEnoughDataError
from ml.runs.retention import Retention
from registry.__main__ import main as registry
from registry.bundle import find_product, load_opener
from registry.champion_alias import Registry
from registry.model_store import ModelStore
from settings import Settings

AS_OF = date(2018, 1, 1)
CUSTOMERS = 40
MEAN = "mean.json"


class MeanSpend:
    """Publishes by how much every customer's spend differs from the mean of the snapshot eight weeks earlier."""

    def __init__(self, name: str):
        self.name = name
        self.decision = Decision.MODEL
        self.fits = 0

    def fit(self, inputs: Inputs, folder: Path) -> Verdict:
        self.fits += 1
        if self.decision is Decision.NOT_ENOUGH_DATA:
            raise NotEnoughDataError("Only 3 customers bought anything.")
        with inputs.before(8).connect() as connection:
            (mean,) = connection.execute("SELECT avg(spend_4w) FROM feat_customer_profile").fetchall()[0]
        (folder / MEAN).write_text(json.dumps(mean))
        measures = {f"{self.name}_mean": Measure(mean, bar=0.0)}
        tables = {"by customer": [{"customer": "all", "mean": mean}, {"customer": "none", "reason": "nobody"}]}
        return Verdict(self.decision, [f"The mean is {mean:.2f}."], measures, inputs.now.date(), tables)

    def score(self, inputs: Inputs, folder: Path, published: Path) -> None:
        mean = json.loads((folder / MEAN).read_text())
        with inputs.connect() as connection:
            rows = f"FROM feat_customer_profile WHERE event_timestamp = TIMESTAMP '{inputs.now}' ORDER BY 1"
            table = connection.sql(f"SELECT customer_id, spend_4w - {mean} AS lead {rows}").to_arrow_table()
        pq.write_table(table, published / f"{self.name}.parquet")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> tuple[MeanSpend, MeanSpend]:
    found = (MeanSpend("first"), MeanSpend("second"))
    monkeypatch.setattr(steps, "PARTS", found)
    monkeypatch.setattr(bundle, "PARTS", found)
    monkeypatch.setattr(fitting, "cores", lambda: 1)  # a process of its own would not have the patches
    return found


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: tuple[MeanSpend, MeanSpend]) -> Path:
    """A data directory with published features of customers whose spend is their number."""
    settings = Settings(data=tmp_path)
    instants = settings.snapshot_instants(AS_OF)
    ids = [f"c{number:03}" for number in range(CUSTOMERS)]
    folder = tmp_path / "features" / "2018-01-01-made"
    folder.mkdir(parents=True)
    profiles, purchases = [], []
    for instant in instants:
        dated = {"customer_id": ids, "event_timestamp": pa.array([instant] * CUSTOMERS, pa.timestamp("us"))}
        profiles.append(pa.table(dated | {"spend_4w": [float(number) for number in range(CUSTOMERS)]}))
        purchases.append(pa.table(dated | {"product_ids": [[f"p{number}", "q"] for number in range(CUSTOMERS)]}))
    pq.write_table(pa.concat_tables(profiles), folder / "feat_customer_profile.parquet")
    pq.write_table(pa.concat_tables(purchases), folder / "feat_customer_purchases.parquet")
    content = pa.table({"product_id": [*(f"p{number}" for number in range(CUSTOMERS)), "q", "never bought"]})
    pq.write_table(content, folder / "feat_product_content.parquet")
    rows = {"customers": CUSTOMERS}
    write_record(folder, Publication(folder.name, AS_OF, instants[0], "made", rows, datetime(2018, 1, 1, 6)))
    (tmp_path / "features" / "current").symlink_to(folder.name)
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    return tmp_path


Command = Callable[..., dict[str, Any]]


@pytest.fixture
def step(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> dict[str, Any]:
        code = customers(arguments)
        output = capsys.readouterr()
        assert code in (0, 99), output.err
        result: dict[str, Any] = json.loads(output.out.splitlines()[-1])
        return result

    return run


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> dict[str, Any]:
        registry([*arguments])
        result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return result

    return run


def registered(step: Command, run_id: str = "r1") -> str:
    step("fit", "--run-id", run_id, "--as-of", "2018-01-01")
    return str(step("register-model", "--run-id", run_id)["version"])


def test_parts_are_fitted_registered_deployed_and_score(data: Path, step: Command, command: Command) -> None:
    version = registered(step)
    assert command("deploy", "--product=customers", f"--version={version}")["generation"] == 1
    assert command("verify", "--product=customers", f"--version={version}")["service"] == "none"
    assert command("status")["products"]["customers"]["version"] == version

    staged = Path(step("score")["folder"])
    table = pq.read_table(staged / "second.parquet").to_pydict()
    record = json.loads((staged / steps.SCORED).read_text())
    assert table["lead"] == [number - (CUSTOMERS - 1) / 2 for number in range(CUSTOMERS)]
    assert record["version"] == version
    assert {name: part["decision"] for name, part in record["parts"].items()} == {"first": "model", "second": "model"}


def test_a_part_without_a_decision_is_carried_over_until_it_expires(
    data: Path, step: Command, command: Command, parts: tuple[MeanSpend, MeanSpend], monkeypatch: pytest.MonkeyPatch
) -> None:
    command("deploy", "--product=customers", f"--version={registered(step)}")
    parts[1].decision = Decision.NOT_ENOUGH_DATA
    second = CustomersBundle.open(ModelStore(data / "bentoml", "customers").path(registered(step, "r2")))
    assert {name: entry.run_id for name, entry in second.manifest.parts.items()} == {"first": "r2", "second": "r1"}
    assert second.manifest.gate["second"]["reasons"] == ["Only 3 customers bought anything."]

    monkeypatch.setattr(steps, "CARRIED_OVER", -steps.CARRIED_OVER)
    step("fit", "--run-id", "r3", "--as-of", "2018-01-01")
    assert step("register-model", "--run-id", "r3")["parts"] == ["first"]


def test_nothing_is_registered_if_no_part_may_be_published(
    data: Path, step: Command, parts: tuple[MeanSpend, MeanSpend]
) -> None:
    parts[0].decision, parts[1].decision = Decision.REFUSED, Decision.NOT_ENOUGH_DATA
    step("fit", "--run-id", "r1", "--as-of", "2018-01-01")
    assert step("register-model", "--run-id", "r1") == {}
    assert customers(["score"]) == ExitCode.NOTHING_TO_DO


def test_simple_rules_only_are_released_as_a_baseline(
    data: Path, step: Command, command: Command, parts: tuple[MeanSpend, MeanSpend]
) -> None:
    parts[0].decision = parts[1].decision = Decision.RULE
    command("deploy", "--product=customers", f"--version={registered(step)}")
    assert "A simple rule is released" in Registry(data / "release", "customers").history()[-1].reason


def test_a_killed_run_continues_with_the_part_it_was_at(
    data: Path, step: Command, parts: tuple[MeanSpend, MeanSpend], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(parts[1], "fit", lambda inputs, folder: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            customers(["fit", "--run-id", "r1", "--as-of", "2018-01-01"])
    step("fit", "--run-id", "r1", "--as-of", "2018-01-01")
    assert [part.fits for part in parts] == [1, 1]


def test_the_same_commands_roll_back(data: Path, step: Command, command: Command) -> None:
    versions = [registered(step, run_id) for run_id in ("r1", "r2")]
    for version in versions:
        command("deploy", "--product=customers", f"--version={version}")
    assert command("rollback", "--product=customers", "--reason=a test")["version"] == versions[0]
    assert registered(step) == versions[0], "the same run is the same version"


def test_a_bundle_contains_nobody(data: Path, step: Command) -> None:
    golden = ModelStore(data / "bentoml", "customers").path(registered(step)) / "golden" / "features"
    for file in golden.glob("feat_customer_*.parquet"):
        table = pq.read_table(file)
        assert len(table)
        assert not [name for name in pc.unique(table["customer_id"]).to_pylist() if not name.startswith("golden-")]
    bought = pq.read_table(golden / "feat_customer_purchases.parquet")["product_ids"].to_pylist()
    assert max(map(len, bought)) > 2, "a made-up list holds products of several customers"
    assert "never bought" not in pq.read_table(golden / "feat_product_content.parquet")["product_id"].to_pylist()


@pytest.mark.parametrize(
    ("name", "words"),
    [("first/mean.json", "first/mean.json of bundle"), ("more.pkl", "more.pkl is in"), ("manifest.json", "manifest")],
)
def test_an_altered_bundle_is_rejected_and_the_rejection_logged(
    data: Path, step: Command, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    version = registered(step)
    (ModelStore(data / "bentoml", "customers").path(version) / name).write_text("1")
    assert registry(["deploy", "--product=customers", f"--version={version}"]) == 1
    assert re.search(words, capsys.readouterr().err)
    assert Registry(data / "release", "customers").history()[-1].change == "rejected"


def test_a_bundle_that_scores_differently_from_when_it_was_made_is_rejected(
    data: Path,
    step: Command,
    parts: tuple[MeanSpend, MeanSpend],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    version = registered(step)

    def half(inputs: Inputs, folder: Path, published: Path) -> None:
        MeanSpend.score(parts[1], inputs, folder, published)
        table = pq.read_table(published / "second.parquet")
        halved = table.set_column(1, "lead", pc.divide(table["lead"], 2.0))
        pq.write_table(halved, published / "second.parquet")

    monkeypatch.setattr(parts[1], "score", half)
    assert registry(["deploy", "--product=customers", f"--version={version}"]) == 1
    assert re.search(r"differently in second\.parquet", capsys.readouterr().err)


def test_no_bento_is_built_of_a_product_without_a_service(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert registry(["build", "--product=customers"]) == 1
    assert re.search("No service answers with the product 'customers'", capsys.readouterr().err)


def test_features_of_another_day_are_an_error_that_names_both(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert customers(["fit", "--run-id", "r1", "--as-of", "2018-02-01"]) == 1
    assert "as of 2018-01-01, not 2018-02-01" in capsys.readouterr().err


def test_the_report_shows_every_figure_with_its_bar(data: Path, step: Command) -> None:
    page = Path(step("fit", "--run-id", "r1", "--as-of", "2018-01-01")["report"]).read_text()
    assert "first mean" in page
    assert "at least 0" in page
    assert "The mean is 19.50." in page
    assert "<td>none</td><td>–</td><td>nobody</td>" in page, "a row without a value shows a dash"


def test_every_declared_opener_exists_and_only_the_recommender_is_served() -> None:
    from scoring.bundle import Bundle

    assert load_opener(find_product("customers")) == CustomersBundle.open
    assert load_opener(find_product("recommender")) == Bundle.open
    assert hasattr(Bundle, "service_probes")
    assert not hasattr(CustomersBundle, "service_probes")


def test_old_runs_leave_and_those_of_stored_versions_stay(data: Path, step: Command, command: Command) -> None:
    step("fit", "--run-id", "stored", "--as-of", "2018-01-01")
    step("register-model", "--run-id", "stored")
    step("fit", "--run-id", "other", "--as-of", "2018-01-01")
    policy = Retention(keep_runs=1, keep_datasets=0, keep_candidates=0, unfinished_days=2)
    assert prune(Settings(data=data), policy) == {"deleted": [], "kept": ["other", "stored"]}
    step("fit", "--run-id", "newest", "--as-of", "2018-01-01")
    assert prune(Settings(data=data), policy)["deleted"] == ["other"]
    assert not (data / "runs" / "customers" / "other").exists()
