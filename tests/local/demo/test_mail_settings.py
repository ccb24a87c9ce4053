"""The demo sends to its mail sink without a setting; own tables and own mail settings are left alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.demo.mail_settings import with_demo_mail
from settings import Settings, SettingsError, load_settings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def _mail(settings: Settings) -> tuple[Any, ...]:
    url, key = settings.smtp_url, settings.unsubscribe_key
    return url and url.get_secret_value(), settings.smtp_from, settings.unsubscribe_url, key and key.get_secret_value()


def test_every_command_gets_the_address_of_the_sink_and_one_key(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACH_DATA", str(data))
    prepared = with_demo_mail(load_settings())
    url, sender, link, key = _mail(prepared)
    assert (url, link) == ("smtp://127.0.0.1:1025", "http://127.0.0.1:3000/unsubscribe")
    assert sender.endswith("@demo.invalid>")
    assert len(key) >= 32
    assert _mail(load_settings()) == _mail(with_demo_mail(load_settings())) == _mail(prepared)


def test_the_file_with_the_key_is_for_its_owner(data: Path) -> None:
    with_demo_mail(Settings(data=data))
    assert (data / "mail_sink.json").stat().st_mode & 0o777 == 0o600


def test_other_ports_keep_the_key(data: Path) -> None:
    *_, key = _mail(with_demo_mail(Settings(data=data)))
    moved = with_demo_mail(Settings(data=data, mail_smtp_port=2525, service_port=3999))
    assert _mail(moved)[0] == "smtp://127.0.0.1:2525"
    assert _mail(moved)[2] == "http://127.0.0.1:3999/unsubscribe"
    assert _mail(moved)[3] == key


@pytest.mark.parametrize(
    "own",
    [
        {"landing": Path("/shop")},
        {"smtp_url": "smtp://mail.example"},
        {"smtp_from": "Shop <news@shop.example>"},
        {"unsubscribe_key": "k" * 40},
        {"unsubscribe_url": "https://shop.example/unsubscribe"},
    ],
)
def test_own_tables_or_own_mail_settings_are_left_alone(data: Path, own: dict[str, Any]) -> None:
    with_demo_mail(Settings(data=data))
    settings = Settings.model_validate({"data": data, **own})
    assert settings.of_mail_sink is None
    assert with_demo_mail(settings) == settings


def test_own_settings_from_the_start_write_nothing(data: Path) -> None:
    with_demo_mail(Settings(data=data, landing=Path("/shop")))
    assert not (data / "mail_sink.json").exists()


def test_a_damaged_file_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "mail_sink.json").write_text("{")
    monkeypatch.setenv("REACH_DATA", str(data))
    with pytest.raises(SettingsError, match=r"mail_sink.json cannot be read .*'make demo' writes it again"):
        load_settings()


def test_a_written_value_that_a_setting_cannot_have_is_an_error(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "mail_sink.json").write_text(json.dumps({"smtp_url": ["no text"]}))
    monkeypatch.setenv("REACH_DATA", str(data))
    with pytest.raises(SettingsError, match="holds no settings of a mail sink"):
        load_settings()
