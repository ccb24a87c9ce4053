"""`make demo` prints the result, a customer's lists, and what a quick one left out."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from local.console import Console
from local.service import Service
from local.summary import QUICK_DATA, customer_lists, left_out, links, result_table
from settings import ROOT, Settings


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


def test_the_result_is_a_table_of_means_and_of_differences_with_intervals(tmp_path: Path) -> None:
    score = {"mean": 0.0166, "low": -0.0002, "high": 0.0194}
    means = {"reach": 0.057, "popularity": 0.0404, "decayed own frequency": 0.0405}
    evidence = {
        "customers": 2009,
        "opponent": "decayed own frequency",
        "means": {method: {"explore NDCG@20": mean, "all MAP@12": 1.0} for method, mean in means.items()},
        "against": {"decayed own frequency": {"explore NDCG@20": score}},
    }
    file = tmp_path / "gate.json"
    file.write_text(json.dumps({"evidence": evidence}))

    rows = [" ".join(line.split()) for line in result_table(file)]
    assert rows == [
        *("On the test window", "2,009 customers explore NDCG@20"),
        *("reach .0570", "decayed own frequency .0405", "popularity .0404"),
        *("reach - decayed own frequency +.0166", "95% interval from -.0002", "to +.0194"),
    ]
    file.write_text(json.dumps({"publish": False, "reasons": ["Too few customers."]}))
    assert result_table(file) == []


def test_a_quick_demo_is_stopped_by_the_command_for_its_own_data(tmp_path: Path) -> None:
    def last(data: Path) -> str:
        console = cast(Console, SimpleNamespace(url="http://127.0.0.1:3002", login="login admin"))
        return links(Settings(data=data), "a", "user", "word", "b", console)[-1].split(maxsplit=3)[-1]

    assert last(tmp_path) == "make down"
    assert last(QUICK_DATA) == "make down QUICK=1"
    assert "REACH_DATA ?= $(CURDIR)/data/quick" in (ROOT / "Makefile").read_text()


def test_what_a_slice_leaves_out_is_named_and_nothing_of_a_whole_demo(tmp_path: Path) -> None:
    whole = Settings(data=tmp_path)
    assert left_out(whole) == []
    changes = {"max_customers": 200, "snapshots": 10, "models_config": Path("ml/quick.toml")}
    title, *lines = left_out(whole.model_copy(update=changes))
    assert "no figure of this installation is to be quoted" in title
    assert [line.rpartition("(")[2] for line in lines] == [
        *("REACH_MAX_CUSTOMERS).", "REACH_SNAPSHOTS).", "REACH_MODELS_CONFIG).")
    ]
