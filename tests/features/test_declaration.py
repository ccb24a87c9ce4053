"""A declaration that cannot hold is refused at import, and the documentation shows what is declared."""

import subprocess
import sys

import pytest

from features import customer as of_a_customer
from features import product as of_a_product
from features.declarations import TABLES
from features.feature import (
    EVER,
    BatchOnly,
    FeatureDeclarationError,
    FeatureTable,
    Updater,
    category,
    number,
)
from features.page import page
from settings import ROOT


def test_what_comes_from_purchases_without_an_updater_is_refused_with_the_next_step() -> None:
    with pytest.raises(FeatureDeclarationError, match=r"'wine_share' comes from purchases .* Give it on_purchase="):
        number("wine_share", "Share of wine in all spend.")
    with pytest.raises(FeatureDeclarationError, match="'usual_hour' comes from purchases"):
        category("usual_hour", "When the customer shops.", "transactions")


def test_importing_a_declaration_without_an_updater_ends_with_that_sentence() -> None:
    declared = "from features.feature import *; number('wine_share', 'Share of wine.')"
    done = subprocess.run([sys.executable, "-c", declared], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "The feature 'wine_share' comes from purchases" in done.stderr.splitlines()[-1]


def test_batch_only_says_what_that_means() -> None:
    share = number("wine_share", "Share of wine.", on_purchase=BatchOnly("events name no shelf"))
    assert share.purchase_effect == BatchOnly("events name no shelf")


def test_what_comes_from_another_table_needs_no_updater() -> None:
    change = number("campaigns_seen", "Campaigns seen.", source="campaigns").purchase_effect
    assert isinstance(change, BatchOnly)


def test_an_updater_that_reads_what_is_not_declared_is_refused() -> None:
    gap = number("gap_mean_days", "Mean days between baskets.", EVER, of_a_customer.GAP_MEAN)
    with pytest.raises(FeatureDeclarationError, match=r"'gap_mean_days' reads baskets, days_since_last_basket"):
        FeatureTable("customer_profile", "customer", "A customer.", [gap], (of_a_customer.CustomerUpdater,))


def test_an_updater_that_would_never_be_called_is_refused() -> None:
    wine = number("wine_baskets", "Baskets with wine.", EVER, of_a_product.COUNT)
    with pytest.raises(FeatureDeclarationError, match="'wine_baskets' is a ProductUpdater, which is never called"):
        FeatureTable("customer_profile", "customer", "A customer.", [wine], (of_a_customer.CustomerUpdater,))


def test_an_updater_of_a_window_without_a_window_is_refused() -> None:
    late = number("baskets_lately", "Baskets lately.", EVER, of_a_customer.COUNT_WITHIN)
    with pytest.raises(FeatureDeclarationError, match="'baskets_lately' counts within a window of days, and 'ever' is"):
        FeatureTable("customer_profile", "customer", "A customer.", [late], (of_a_customer.CustomerUpdater,))


def test_a_name_declared_twice_is_refused() -> None:
    brand = category("brand", "Brand.", "products")
    with pytest.raises(FeatureDeclarationError, match="'product_content' declares brand more than once"):
        FeatureTable("product_content", "product", "A product.", [brand, brand])


def test_every_feature_of_a_customer_that_purchases_change_has_an_updater_or_says_why_not() -> None:
    for table in TABLES:
        for feature in table.features:
            assert isinstance(feature.purchase_effect, Updater) or feature.purchase_effect.meaning, feature.name


def test_the_documentation_is_the_declaration() -> None:
    """Run `python -m features` if it is not."""
    assert (ROOT / "docs" / "features.md").read_text() == page()


def test_every_feature_is_in_the_documentation_with_its_window_and_its_change() -> None:
    text = (ROOT / "docs" / "features.md").read_text()
    for table in TABLES:
        section = text.partition(f"## {table.name}\n")[2].partition("\n## ")[0]
        for feature in table.features:
            [row] = [line for line in section.splitlines() if line.startswith(f"| `{feature.name}` ")]
            assert f"| {feature.text} | {feature.window.text} |" in row
            assert isinstance(feature.purchase_effect, Updater) or "*batch only*" in row
