"""`make demo` prints a customer's lists, and what a quick one left out."""

from pathlib import Path
from typing import Any, cast

from local.service import Service
from local.summary import customer_lists, left_out
from settings import Settings


class Answering:
    """A service whose every list holds a product with a name and one without."""

    def recommend(self, customer_id: str, slate: str, k: int) -> dict[str, Any]:
        items = [
            {"product_id": "1", "name": "Bananas", "reason": "You bought this twice"},
            {"product_id": "2", "name": None, "reason": "Popular"},
        ]
        return {"model_version": "v1", "fallback": None, "items": items}


def test_a_product_without_a_name_is_shown_by_its_id() -> None:
    lines = customer_lists(cast(Service, Answering()), "comes often", "7")

    assert [line.split()[1:3] for line in lines if line.startswith("    ")] == [
        ["Bananas", "You"],
        ["product", "2"],
    ] * 2


def test_what_a_slice_leaves_out_is_named_and_nothing_of_a_whole_demo(tmp_path: Path) -> None:
    whole = Settings(data=tmp_path)
    assert left_out(whole) == []
    changes = {"max_customers": 200, "snapshots": 10, "models_config": Path("ml/quick.toml")}
    title, *lines = left_out(whole.model_copy(update=changes))
    assert "no figure of this installation is to be quoted" in title
    assert [line.rpartition("(")[2] for line in lines] == [
        *("REACH_MAX_CUSTOMERS).", "REACH_SNAPSHOTS).", "REACH_MODELS_CONFIG).")
    ]
