"""Sensitive inferences are off until the shop names a purpose."""

from pathlib import Path

import pytest

from marketing.policy import PolicyError, load_policy
from ml.customers.tags.declarations import TAGS


def test_nothing_sensitive_is_allowed_without_a_purpose() -> None:
    assert load_policy(None).allowed == frozenset()


def test_every_sensitive_tag_has_a_kind_in_the_policy() -> None:
    kinds = set(TAGS.sensitive().values())
    assert kinds == set(load_policy(None).purposes)
    assert kinds == load_policy(None, is_demo=True).allowed


def test_a_named_purpose_allows_one_kind_only(tmp_path: Path) -> None:
    own = tmp_path / "policy.toml"
    own.write_text('[purposes]\nage = "Offer the senior discount."\nincome = "  "\n')
    assert load_policy(own, is_demo=True).allowed == {"age"}


def test_an_unknown_kind_names_the_known_ones(tmp_path: Path) -> None:
    own = tmp_path / "policy.toml"
    own.write_text('[purposes]\nkids = "x"\nincomes = "y"\n')
    with pytest.raises(PolicyError, match=r"'kids', which is not a kind of sensitive inference.*Known kinds: age, "):
        load_policy(own)


def test_a_missing_file_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"REACH_MARKETING_POLICY names .*none.toml, which cannot be read"):
        load_policy(tmp_path / "none.toml")
