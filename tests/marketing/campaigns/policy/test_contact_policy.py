"""The contact policy: what is packaged, what a shop replaces, and what it can only add to."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from marketing.campaigns.errors import DefinitionError
from marketing.campaigns.policy.contact_policy import load_contact_policy
from marketing.campaigns.policy.restricted import COLUMNS, products


def test_the_packaged_policy_caps_promotions_and_not_receipts() -> None:
    rules = load_contact_policy(None).rules("Europe/Berlin")
    promotional, transactional = rules.classes["promotional"], rules.classes["transactional"]
    assert [(cap.max_messages, cap.window) for cap in promotional.caps] == [(3, timedelta(days=7))]
    assert promotional.cap_per_day == 1
    assert (transactional.caps, transactional.needs_consent, transactional.quiet_hours) == ((), False, None)
    assert rules.timezone == "Europe/Berlin"


def test_a_shop_replaces_classes_and_adds_restrictions(tmp_path: Path) -> None:
    own = tmp_path / "policy.toml"
    own.write_text('[classes.promotional]\nper_day = 2\n[restricted]\ncategories = ["KNIVES"]\n')
    policy = load_contact_policy(own)
    assert policy.classes["promotional"].per_day == 2
    assert policy.classes["promotional"].quiet_hours is None
    assert "transactional" in policy.classes
    assert policy.restricted.categories[-1] == "KNIVES"
    assert "*BEER*" in policy.restricted.categories


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[classes.promotional]\nper_week = 2\n", "Line 2: classes.promotional.per_week is unknown"),
        (
            "[classes.promotional]\ncaps = [{ messages = 0, days = 7 }]\n",
            "Line 2: classes.promotional.caps.0.messages = 0",
        ),
        ('[channels]\nemail = "post"\n', "Line 2: channels.email = 'post': Input should be 'smtp', 'webhook' or"),
        ("purposes = []\n", "Line 1: purposes"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    own = tmp_path / "policy.toml"
    own.write_text(text)
    with pytest.raises(DefinitionError) as found:
        load_contact_policy(own)
    assert message in str(found.value)


def test_restricted_products_of_a_real_shops_names() -> None:
    rows = [
        ("1", "GROCERY", "BEERS/ALES", "BEERALEMALT LIQUORS", True),
        ("2", "GROCERY", "DOMESTIC WINE", "BOX WINES", True),
        ("3", "DRUG GM", "CIGARETTES", "CIGARETTES", True),
        ("4", "DRUG GM", "TOBACCO OTHER", "SNUFF", True),
        ("5", "SPIRITS", "LIQUOR", "TRADITIONAL RUM", True),
        ("6", "FLORAL", "GIFT & FRUIT BASKETS", "GIFT BASKETS BEER", True),
        ("7", "FLORAL", "GIFT & FRUIT BASKETS", "GIFT BASKETS FRUIT", False),
        ("8", "GROCERY", "CONDIMENTS/SAUCES", "VINEGAR WINE/RICE", False),
        ("9", "MEAT", "SMOKED MEATS", "HAM", False),
        ("10", "PHOTO & VIDEO", "beers/ales ", None, True),
        ("11", None, None, None, False),
    ]
    columns = {
        "product_id": [row[0] for row in rows],
        "product_name": [None] * len(rows),
        "brand": [None] * len(rows),
        "department": [row[1] for row in rows],
        "category": [row[2] for row in rows],
        "product_type": [row[3] for row in rows],
    }
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    found = products(
        pa.table({name: columns[name] for name in COLUMNS}, schema=schema), load_contact_policy(None).restricted
    )
    assert found.restricted == {row[0] for row in rows if row[4]}
    assert "GIFT & FRUIT BASKETS" not in found.restricted_categories
    assert "BEERS/ALES" in found.restricted_categories
