"""The types of events are data, and a wrong declaration is refused with its cause."""

from pathlib import Path

import pytest

from core.event_types import PACKAGED, EventTypes, event_types
from core.toml.model import read_toml

BOUGHT = '[types.purchase]\ndescription = "bought"\n'
RECENT = "[recent]\nproducts = 5\nrank_discount = 0.8\nboost = 1\nlow = 0.3\nhigh = 0.7\n"


def test_the_packaged_types_are_those_that_the_guides_name() -> None:
    assert {"purchase", "view", "click", "cart", "remove_from_cart", "rating", "search", "impression"} == set(
        event_types().names
    )
    assert read_toml(PACKAGED, EventTypes, ValueError) == event_types()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (BOUGHT + RECENT + '[types.view]\ndescription = "v"\nitself = 0.5\n', "needs a verb"),
        (BOUGHT + RECENT + '[types.view]\ndescription = "v"\nverb = "viewed"\nitself = 1.5\n', "less than or equal"),
        (BOUGHT + RECENT + '[types.view]\ndescription = "v"\nweight = 1\n', "Extra inputs"),
        (BOUGHT + RECENT + '[types."A view"]\ndescription = "v"\n', "match pattern"),
        (RECENT + '[types.view]\ndescription = "v"\n', "must be there"),
        (BOUGHT + RECENT.replace("0.7", "0.2"), "must be below high"),
    ],
)
def test_a_wrong_declaration_is_refused(tmp_path: Path, text: str, cause: str) -> None:
    (tmp_path / "types.toml").write_text(text)
    with pytest.raises(ValueError, match=cause):
        read_toml(tmp_path / "types.toml", EventTypes, ValueError)
