"""The fingerprint by which a starter sees that the running service was started with other settings."""

import re
from pathlib import Path

import pytest

from settings import ROOT, SERVICE_SETTINGS, Settings, settings_fingerprint

OTHER = {
    "data": "/elsewhere",
    "online_store": "redis",
    "redis": "other:6379",
    "redis_password": "a password",
    "kafka_bootstrap_servers": "kafka:9092",
    "service_port": 3999,
    "service_workers": 2,
    "api_keys": "shop:recommend:" + "0" * 64,
    "rate_limit_per_second": 7.5,
    "outbox_url": "postgresql://db/outbox",
    "unsubscribe_key": "k" * 32,
    "contact_policy": "/shop/policy.toml",
    "exclude_restricted": False,
}


def made(**changed: object) -> Settings:
    return Settings.model_validate({"data": Path("/data"), **changed})


def test_equal_settings_have_one_fingerprint() -> None:
    assert settings_fingerprint(made()) == settings_fingerprint(made(seed=8, client_api_key="another"))


@pytest.mark.parametrize("name", SERVICE_SETTINGS)
def test_every_setting_of_the_service_changes_it(name: str) -> None:
    assert settings_fingerprint(made(**{name: OTHER[name]})) != settings_fingerprint(made())


def test_every_setting_that_the_service_reads_is_covered() -> None:
    files = [file for package in ("serving", "events") for file in (ROOT / package).rglob("*.py")]
    read = set(re.findall(r"settings\.(\w+)", " ".join(file.read_text() for file in files)))

    assert "api_keys" in read
    assert read & set(Settings.model_fields) <= set(SERVICE_SETTINGS)
