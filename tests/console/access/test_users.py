"""Users of the console: entries, passwords and roles."""

import pytest

from console.access.roles import Permission
from console.access.users import Users, entry_for
from console.errors import ConsoleConfigError

PASSWORD = "correct horse battery"


def test_a_user_is_found_by_name_and_password() -> None:
    users = Users.parse(f"{entry_for('ann', 'marketer', PASSWORD)}, {entry_for('bob', 'viewer', 'another password')}")

    found = users.check("ann", PASSWORD)
    assert found is not None
    assert found.may(Permission.LAUNCH)
    assert not found.may(Permission.RELEASE)
    assert users.check("ann", "another password") is None
    assert users.check("nobody", PASSWORD) is None


def test_an_entry_has_no_password_and_is_different_each_time() -> None:
    first, second = (entry_for("ann", "viewer", PASSWORD) for _ in range(2))
    assert PASSWORD not in first
    assert first != second


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "names no user"),
        ("ann:viewer:secret", "Entry 1 of REACH_CONSOLE_USERS is not of the form"),
        (entry_for("ann", "viewer", PASSWORD).replace("viewer", "owner"), "the role 'owner'"),
        (",".join(entry_for("ann", "viewer", PASSWORD) for _ in range(2)), "'ann' twice"),
    ],
    # Entries differ from process to process, and test runners compare the names of tests.
    ids=["none", "clear text", "role", "twice"],
)
def test_a_wrong_entry_is_an_error_that_does_not_repeat_it(text: str | None, problem: str) -> None:
    with pytest.raises(ConsoleConfigError, match=problem) as caught:
        Users.parse(text)
    assert "secret" not in str(caught.value)


def test_a_short_password_is_refused() -> None:
    with pytest.raises(ConsoleConfigError, match="at least 12 characters; this one 5"):
        entry_for("ann", "viewer", "short")
