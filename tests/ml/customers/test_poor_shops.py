"""A shop that lands nothing but receipts: each part names what is missing, and does the rest.

The features come from one dbt build of landing tables, so what is missing is missing as in a real shop.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from core.command import ExitCode
from customer_scores.publication import current_publication
from customer_scores.publish import publish
from ml.customers import fitting, steps
from ml.customers.part import Decision, Verdict
from registry.__main__ import main as registry
from registry.champion_alias import Registry
from settings import Settings, load_settings
from tests.support.ml.poor_shop import RARE, REGULAR, build_poor_shop, keep_customers
from tests.support.ml.shops import END

pytestmark = pytest.mark.integration

AS_OF = END.date()
PURPOSES = ("age", "income", "household", "children", "home", "marital")
FEW = 30


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The shop with published features; the policy names every purpose, so that statements are tried."""
    home = tmp_path_factory.mktemp("poor")
    build_poor_shop(home)
    policy = home / "policy.toml"
    policy.write_text("[purposes]\n" + "".join(f'{kind} = "a test"\n' for kind in PURPOSES))
    with pytest.MonkeyPatch.context() as patched:
        for name, value in (
            ("DATA", home / "data"),
            ("LANDING", home / "landing"),
            ("TIMEZONE", "UTC"),
            ("MARKETING_POLICY", policy),
        ):
            patched.setenv(f"REACH_{name}", str(value))
        patched.setattr(fitting, "cores", lambda: 1)
        yield load_settings()


@pytest.fixture(scope="module")
def rich_run(shop: Settings) -> dict[str, Verdict]:
    """The verdicts with all customers, whose scores are then published."""
    run = steps.run_of(shop, "all")
    steps.fit(shop, run, AS_OF)
    registered = steps.register_model(shop, run)
    assert registered is not None
    assert registry(["deploy", "--product=customers", f"--version={registered['version']}"]) == ExitCode.DONE
    steps.score(shop)
    publish(shop, AS_OF)
    return steps.read_verdicts(run)


def reasons(verdict: Verdict) -> str:
    return "\n".join(verdict.reasons)


def test_every_part_names_what_is_missing(rich_run: dict[str, Verdict]) -> None:
    assert {name: verdict.decision for name, verdict in rich_run.items()} == {
        "predictions": Decision.MODEL,
        "audiences": Decision.MODEL,
        "tags": Decision.REFUSED,  # these customers have no habits: their products and hours are drawn at random
        "taste": Decision.NOT_ENOUGH_DATA,
        "segments": Decision.MODEL,
        "offers": Decision.NOT_ENOUGH_DATA,
    }
    assert "categories_due: nothing is published" in reasons(rich_run["predictions"])
    assert "The products have no categories, so there are no category audiences" in reasons(rich_run["audiences"])
    assert "No statement is learned: the catalogue has no categories and no product types" in reasons(rich_run["tags"])
    assert "with the column 'category'" in reasons(rich_run["taste"])
    assert "No taste axis" in reasons(rich_run["segments"])
    assert "Bring the tables campaigns, coupons and redemptions" in reasons(rich_run["offers"])


def test_the_rest_is_published_for_ids_of_any_text(shop: Settings, rich_run: dict[str, Verdict]) -> None:
    folder = shop.paths.customers
    assert set(current_publication(folder).parts) == {"predictions", "audiences", "segments"}
    predictions = pq.read_table(folder / "predictions.parquet")
    ids = predictions["customer_id"].to_pylist()
    assert {each.startswith((RARE, REGULAR)) for each in ids} == {True}
    assert not any(predictions["categories_due"].to_pylist())
    lapse = dict(zip(ids, predictions["lapse_8w"].to_pylist(), strict=True))
    rare, regular = ([value for each, value in lapse.items() if each.startswith(kind)] for kind in (RARE, REGULAR))
    assert sum(rare) / len(rare) > sum(regular) / len(regular) + 0.1
    assert set(pq.read_table(folder / "segments.parquet")["axis"].to_pylist()) == {"value"}
    assert set(pq.read_table(folder / "audience_items.parquet")["kind"].to_pylist()) == {"product"}


def test_few_customers_decide_nothing_and_what_was_published_stays(
    shop: Settings, rich_run: dict[str, Verdict]
) -> None:
    champion = Registry(shop.paths.release, "customers").champion()
    before = current_publication(shop.paths.customers)
    ids = keep_customers(shop, FEW)
    run = steps.run_of(shop, "few")
    steps.fit(shop, run, AS_OF)

    verdicts = steps.read_verdicts(run)
    assert {verdict.decision for verdict in verdicts.values()} == {Decision.NOT_ENOUGH_DATA}
    assert all(any(character.isdigit() for character in reasons(verdict)) for verdict in verdicts.values())
    assert all(len(verdict.reasons) == 1 for verdict in verdicts.values())
    assert steps.register_model(shop, run) is None
    assert Registry(shop.paths.release, "customers").champion() == champion
    assert current_publication(shop.paths.customers) == before

    scored = steps.score(shop)
    assert scored is not None
    record = json.loads((Path(scored["folder"]) / steps.SCORED).read_text())
    assert set(record["parts"]) == {"predictions", "audiences", "segments"}, "the champion scores the new features"
    table = pq.read_table(Path(scored["folder"]) / "predictions.parquet")
    assert sorted(table["customer_id"].to_pylist()) == ids
