"""The secret of the assignments is made once, for its owner only, and a damaged one is refused."""

from pathlib import Path

import pytest

from marketing.campaigns.errors import CampaignError
from marketing.campaigns.plan.secret import assignment_secret


def test_the_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "plans" / "assignment.key"
    first = assignment_secret(file)
    assert len(first) == 32
    assert assignment_secret(file) == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "assignment.key"
    file.write_bytes(b"short")
    with pytest.raises(CampaignError, match=r"has 5 bytes instead of 32. Restore it from a backup"):
        assignment_secret(file)
