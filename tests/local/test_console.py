"""The console's login on one machine: made once, for its owner, and not where users are set."""

from pathlib import Path

from pydantic import SecretStr

from console.access.users import Users
from local.console import Console
from local.processes import Programs
from settings import Settings


def console_of(settings: Settings) -> Console:
    return Console(settings, Programs(settings.data))


def test_the_password_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    first = console_of(settings).login
    assert console_of(settings).login == first
    file = tmp_path / "data" / "console" / "secrets.json"
    assert file.stat().st_mode & 0o777 == 0o600
    environment = console_of(settings)._environment()
    password = first.rpartition(" ")[2]
    assert Users.parse(environment["REACH_CONSOLE_USERS"]).check("admin", password) is not None


def test_users_of_the_settings_replace_the_made_one(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", console_users=SecretStr("set elsewhere"))
    assert console_of(settings).login == "login: a user of REACH_CONSOLE_USERS"
