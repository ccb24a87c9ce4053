"""Each defect planted in the staged scores is caught by the expectation that is named for it."""

import shutil
from pathlib import Path

import pytest

from customer_scores.publish import publish
from quality.errors import NothingToCheckError
from quality.thresholds import load_thresholds
from settings import Settings
from tests.support.customer_scores.scores import AS_OF, stage_scores
from tests.support.quality.judging import broken, plant

CUSTOMERS = tuple(str(number) for number in range(1, 601))
FEATURES = f"{AS_OF}-aaaaaaaaaaaa"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose staged scores have no defect and were published before. Read only."""
    data = tmp_path_factory.mktemp("clean") / "data"
    settings = Settings(data=data)
    stage_scores(settings, customers=CUSTOMERS)
    known = data / "features" / FEATURES
    known.mkdir(parents=True)
    shutil.copy(settings.paths.staged_customers / "predictions.parquet", known / "feat_customer_history.parquet")
    publish(settings, AS_OF)
    return data


@pytest.fixture
def data(tmp_path: Path, clean: Path) -> Path:
    """The same, to plant defects in."""
    return shutil.copytree(clean, tmp_path / "data", symlinks=True)


def test_sound_scores_break_nothing(clean: Path) -> None:
    assert broken("profiles", clean) == {}


@pytest.mark.parametrize(
    ("table", "query", "expected", "who"),
    [
        (
            "predictions",
            "SELECT * REPLACE (lapse_8w - 1.1 AS lapse_8w) FROM {t}",
            "probabilities_are_not_below_zero",
            "predictions.lapse_8w",
        ),
        (
            "predictions",
            "SELECT * REPLACE ([1.5] AS categories_due_probability, ['MILK'] AS categories_due) FROM {t}",
            "probabilities_are_not_above_one",
            "predictions.categories_due_probability",
        ),
        (
            "predictions",
            "SELECT * REPLACE (CASE customer_id WHEN '7' THEN 'nan'::DOUBLE ELSE order_7d END AS order_7d) FROM {t}",
            "probabilities_are_present",
            "predictions.order_7d",
        ),
        (
            "predictions",
            "SELECT * REPLACE (spend_8w_high AS spend_8w_low, spend_8w_low AS spend_8w_high) FROM {t}",
            "intervals_are_in_order",
            "predictions.spend_8w",
        ),
        ("tags", "SELECT * REPLACE (1.2 AS confidence) FROM {t}", "probabilities_are_not_above_one", "tags.confidence"),
        ("tags", "SELECT * REPLACE (0 AS evidence_rows) FROM {t}", "tags_have_evidence", "age_55"),
        ("tags", "SELECT * REPLACE (NULL::DATE AS evidence_from) FROM {t}", "tags_have_evidence", "main_store"),
        (
            "tags",
            "SELECT * REPLACE (evidence_until + 1 AS evidence_until) FROM {t}",
            "evidence_lies_before_as_of",
            "age_55",
        ),
        ("tags", "SELECT *, 'a@b.example' AS email FROM {t}", "no_column_is_personal", "tags.email"),
        ("segments", "SELECT * FROM {t} UNION ALL SELECT * FROM {t} LIMIT 1201", "score_ids_are_unique", "segments"),
        (
            "taste",
            "SELECT * REPLACE (CASE customer_id WHEN '7' THEN 'x' ELSE customer_id END AS customer_id) FROM {t}",
            "score_ids_are_known",
            "taste.parquet",
        ),
        (
            "segments",
            "SELECT * REPLACE (CASE WHEN segment = 'v1' AND hash(customer_id) % 2 = 0 THEN 'v0' ELSE segment END "
            "AS segment) FROM {t}",
            "segments_keep_their_shares",
            "value v1",
        ),
    ],
)
def test_a_planted_defect_is_critical_and_named(data: Path, table: str, query: str, expected: str, who: str) -> None:
    plant(data / "customers" / "staged", table, query)
    found = broken("profiles", data)
    assert found[expected].severity == "critical"
    assert who in found[expected].details


def test_a_truncated_table_stops_the_run_at_once(data: Path) -> None:
    (data / "customers" / "staged" / "tags.parquet").write_bytes(b"PAR1")
    assert list(broken("profiles", data)) == ["score_files_can_be_read", "score_files_have_rows"]


def test_scores_of_another_day_are_not_checked(clean: Path) -> None:
    with pytest.raises(NothingToCheckError, match="are of 2018-01-01, not of 2018-02-01"):
        broken("profiles", clean, as_of=AS_OF.replace(month=2))


def test_every_check_of_the_checkpoint_has_a_threshold() -> None:
    assert len(load_thresholds("profiles", None).by_check) == 13
