"""One ranked list serves batch and service, with the landing's worth, a file's, an assumption, or none."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketing.__main__ import main
from marketing.errors import ScoresError
from marketing.offers.allocation import Rules
from marketing.offers.campaign_offers import campaign_offers
from marketing.offers.errors import OffersError
from marketing.offers.ranking import offers_for, ranked_offers
from marketing.offers.values_file import read_values_file
from marketing.offers.worth import Worth

ASSUMED = Worth(face_value=1.0, margin=30.0)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Scores of three customers and three coupons; nobody knows the worth of `z`."""
    folder = tmp_path / "customers" / "current"
    folder.mkdir(parents=True)
    rows = [
        ("c1", "x", 0.3, False, 0.9, 0.9), ("c1", "y", 0.1, True, 0.0, 0.5), ("c1", "z", 0.05, True, 0.0, 0.4),
        ("c2", "x", 0.2, True, 0.0, 0.3), ("c2", "y", 0.02, True, 0.0, 0.8), ("c3", "y", 0.2, False, 0.5, 0.1),
    ]  # fmt: skip
    names = ("customer_id", "coupon_id", "probability", "is_new", "bought_anyway", "attraction")
    pairs = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    pairs |= {"campaign_id": ["k"] * len(rows), "own_baskets_13w": [0.0] * len(rows)}
    pq.write_table(pa.table(pairs), folder / "offer_pairs.parquet")
    coupons(folder, [None, None, None])
    return folder


def coupons(folder: Path, face_values: list[float | None], ids: str = "xyz") -> None:
    known = pa.array(face_values, pa.float64())
    at = pa.array([datetime(2018, 1, 1)] * len(ids), pa.timestamp("us"))
    pq.write_table(
        pa.table(
            {
                "coupon_id": pa.array(list(ids), pa.string()), "campaign_id": pa.array(["k"] * len(ids), pa.string()),
                "starts_at": at, "face_value": known,
                "margin": pa.array([30.0 if value else None for value in face_values], pa.float64()),
            }
        ),
        folder / "offer_coupons.parquet",
    )  # fmt: skip


def ids(rows: list[dict[str, object]]) -> list[object]:
    return [row["coupon_id"] for row in rows]


def test_without_worth_the_most_attractive_coupons_come_first_and_a_sentence_says_so(published: Path) -> None:
    of_customer = offers_for(published, "c2", budget=0.0)
    assert ids(of_customer.rows) == ["y", "x"]
    found = campaign_offers(published, Rules(1.0, 1, 0.0), Worth())
    assert [row["coupon_id"] for row in found.rows.to_pylist()] == ["x", "y", "y"]
    assert found.notes == of_customer.notes
    [note] = found.notes
    assert "Neither the budget nor the limit" in note
    # y comes first and is the less probable one.
    assert "The order need not be that of the probabilities" in note


def test_an_offer_is_worth_what_it_adds(published: Path) -> None:
    [first, *_] = offers_for(published, "c1", 10.0, worth=ASSUMED).rows
    # 0.1 x (30 x 1 - 1) of a new pair beats 0.3 x (30 x 0.1 - 1) of one that would be bought anyway.
    assert first["coupon_id"] == "y"
    assert first["expected_margin"] == pytest.approx(2.9)


def test_the_landings_worth_counts_and_unknown_coupons_are_left_out_and_counted(published: Path) -> None:
    coupons(published, [2.0, None, None])
    ranked = ranked_offers(published, Worth())
    assert ranked.knows_money
    assert ranked.without_worth == 2
    assert set(ranked.rows["coupon_id"].to_pylist()) == {"x"}
    assert "2 coupons are left out" in campaign_offers(published, Rules(9.0, 3, 1.0), Worth()).notes[0]


def test_a_file_comes_before_the_landing_and_its_campaign_before_the_rest(published: Path, tmp_path: Path) -> None:
    coupons(published, [2.0, 2.0, 2.0])
    file = tmp_path / "values.csv"
    file.write_text("coupon_id,campaign_id,face_value,margin\nx,,5,50\nx,k,6,60\ny,other,7,70\n")
    rows = ranked_offers(published, Worth(read_values_file(file))).rows.to_pylist()
    assert {row["coupon_id"]: row["face_value"] for row in rows} == {"x": 6.0, "y": 2.0, "z": 2.0}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("coupon_id,face_value\nx,1\n", "lacks the columns margin"),
        ("coupon_id,face_value,margin\nx,0,1\n", "the coupon 'x' has no margin, or a face value that is not above 0"),
        ("coupon_id,face_value,margin\nx,1,1\nx,1,1\n", "the coupon 'x' stands there more than once"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(published: Path, tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "values.csv"
    file.write_text(content)
    with pytest.raises(OffersError, match=sentence):
        ranked_offers(published, Worth(read_values_file(file)))


def test_batch_and_customer_agree_on_every_offer(published: Path) -> None:
    batch = campaign_offers(published, Rules(2.0, 2, 1.0), ASSUMED).rows.to_pylist()
    assert batch
    for row in batch:
        of_customer = offers_for(published, str(row["customer_id"]), 100.0, 10, ASSUMED).rows
        assert {name: value for name, value in row.items() if name != "customer_id"} in of_customer


def test_a_customers_offers_stay_within_the_budget(published: Path) -> None:
    assert ids(offers_for(published, "c1", 1.99, worth=ASSUMED).rows) == ["y"]
    assert offers_for(published, "c1", 0.0, worth=ASSUMED).rows == []


@pytest.mark.parametrize(
    ("budget", "per_customer", "customer", "sentence"),
    [
        (-1.0, 3, "c1", "budget -1.0 is not an amount"),
        (float("nan"), 3, "c1", "is not an amount"),
        (1.0, 0, "c1", "0 offers per customer are none"),
        (1.0, 3, "nobody", "There are no offers for the customer 'nobody'"),
    ],
)
def test_a_question_that_cannot_be_answered_gets_a_sentence(
    published: Path, budget: float, per_customer: int, customer: str, sentence: str
) -> None:
    with pytest.raises(OffersError, match=sentence):
        offers_for(published, customer, budget, per_customer)


def test_no_running_campaign_and_no_scores_get_a_sentence(published: Path, tmp_path: Path) -> None:
    coupons(published, [], "")
    with pytest.raises(OffersError, match="No campaign runs"):
        ranked_offers(published, Worth())
    with pytest.raises(ScoresError, match="No offers are published"):
        ranked_offers(tmp_path, Worth())


def test_the_command_prints_the_price_of_its_rules_and_writes_the_list(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    out = tmp_path / "offers.csv"
    arguments = ["offers", "--budget", "2", "--face-value", "1", "--margin", "30", "--out", str(out)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    for words in (
        "share of offers to customers who already buy",
        "without the limit on existing buyers",
        "that is 100",
    ):
        assert words in printed
    assert len(out.read_text().splitlines()) == 3
    assert main(["offers", "--budget", "0", "--face-value", "1", "--margin", "30"]) == 0
    assert "No offer is made: the budget 0.00 does not pay for the cheapest coupon, 1.00." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [("none.csv", None, "does not exist, or is a folder"), ("torn.parquet", "torn", "cannot be read as Parquet")],
)
def test_a_values_file_that_cannot_be_read_is_named_without_a_query(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    with pytest.raises(OffersError, match=message) as refused:
        read_values_file(file)
    assert str(refused.value).startswith(str(file))
    assert "SELECT" not in str(refused.value)
