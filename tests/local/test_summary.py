"""`make demo` prints a customer's lists."""

from typing import Any, cast

from local.service import Service
from local.summary import customer_lists


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
