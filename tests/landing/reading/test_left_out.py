"""Every row that an admission leaves out, or that no feature uses, is counted with an example."""

from pathlib import Path

import pytest

from landing.findings import Finding
from landing.manifest import Manifest
from tests.support.landing.shop import admit_shop, admitted, write_shop

CAMPAIGNS = "campaign_id,customer_id,starts_on,ends_on\n"
COUPONS = "coupon_id,product_id,campaign_id\n"


def _findings(manifest: Manifest) -> dict[tuple[str, str | None], Finding]:
    return {(finding.kind, finding.table): finding for finding in manifest.findings}


@pytest.mark.parametrize("spelling", ["K1", " k1x", "(none)"])
def test_coupons_of_unknown_campaigns_are_counted_with_a_likely_spelling(tmp_path: Path, spelling: str) -> None:
    written = "" if spelling == "(none)" else spelling
    landing = write_shop(
        tmp_path / "in",
        campaigns=CAMPAIGNS + "k1,8,2017-01-01,2017-02-01\n",
        coupons=COUPONS + f"c1,0010,{written}\nc2,0020,{written}\nc3,0010,k1\n",
    )
    manifest, _, said = admit_shop(tmp_path, landing)
    assert admitted(tmp_path, "coupons", "coupon_id") == [("c3",)]
    found = _findings(manifest)["unknown_campaign", "coupons"]
    assert found.count == 2
    assert any("coupons: 2 rows left out" in line for line in said)
    if spelling == "K1":
        assert found.example == "campaign_id 'K1', where campaigns has 'k1'"
        assert "Spell the campaigns alike" in found.message
    else:
        assert "alike" not in found.message


def test_coupons_of_campaigns_that_have_not_begun_are_counted_apart(tmp_path: Path) -> None:
    landing = write_shop(
        tmp_path / "in",
        campaigns=CAMPAIGNS + "k1,8,2017-01-01,2017-02-01\nk2,8,2017-01-02,2017-02-01\n",
        coupons=COUPONS + "c1,0010,k1\nc2,0010,k2\n",
    )
    found = _findings(admit_shop(tmp_path, landing, "2017-01-02")[0])
    assert found["row_not_yet_known", "coupons"].example == "campaign_id 'k2'"
    assert ("unknown_campaign", "coupons") not in found


def test_rows_of_later_days_are_counted_with_the_first_of_them(tmp_path: Path) -> None:
    manifest, _, said = admit_shop(tmp_path, write_shop(tmp_path / "in"), "2017-01-02")
    found = _findings(manifest)["row_not_yet_known", "transactions"]
    assert (found.count, found.example) == (1, "transaction_at 2017-01-02 05:00:00")
    assert any(str(found) in line for line in said)


def test_rows_of_customers_beyond_the_limit_are_counted_without_an_id(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", customers="customer_id\n007\n8\n")
    manifest, _, _ = admit_shop(tmp_path, landing, max_customers=1)
    found = _findings(manifest)
    assert found["row_of_other_customer", "transactions"].count == 4 - manifest.rows["transactions"] == 2
    assert found["row_of_other_customer", "customers"].count == 1
    assert found["row_of_other_customer", "customers"].example is None


def test_rows_that_no_feature_can_use_are_counted(tmp_path: Path) -> None:
    landing = write_shop(
        tmp_path / "in",
        promotions="product_id,starts_on,ends_on\n0010,2017-01-01,2017-01-08\n10,2017-01-01,2017-01-08\n",
        campaigns=CAMPAIGNS + "k1,8,2017-01-01,2017-02-01\nk1,9,2017-01-01,2017-02-01\n",
        redemptions="customer_id,coupon_id,redeemed_on\n9,c1,2017-01-01\n",
    )
    found = _findings(admit_shop(tmp_path, landing)[0])
    assert found["unknown_product", "promotions"].example == "product_id '10'"
    assert found["customer_without_purchase", "campaigns"].count == 1
    assert found["customer_without_purchase", "redemptions"].count == 1
    assert all(found[key].example is None for key in found if key[0] == "customer_without_purchase")
