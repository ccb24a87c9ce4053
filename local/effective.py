"""Record the settings that a program was started with, so that a change is detected."""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import get_args

from pydantic import SecretStr

from settings import Settings

_SECRETS = {
    f"REACH_{name}".upper()
    for name, field in Settings.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation)) or name == "api_keys"
}


def effective(settings: Settings, names: Collection[str] | None = None) -> dict[str, str]:
    """Return variable -> value of these settings, or of all; a secret is replaced by its slow hash."""
    return {
        f"REACH_{name}".upper(): _text(getattr(settings, name))
        for name in sorted(Settings.model_fields)
        if names is None or name in names
    }


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return one phrase for each variable that differs; the values of keys and passwords are not shown."""
    return [
        _phrase(name, then.get(name, ""), now.get(name, ""))
        for name in sorted({*then, *now})
        if then.get(name, "") != now.get(name, "")
    ]


def _phrase(name: str, then: str, now: str) -> str:
    if name in _SECRETS:
        present = "not set" if not now else "another" if then else "set"
        return f"{name} was {'set' if then else 'not set'} and is now {present}"
    return f"{name} was {then or 'not set'} and is now {now or 'not set'}"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        secret = value.get_secret_value().encode()
        return hashlib.scrypt(secret, salt=b"reach settings", n=2**14, r=8, p=1, dklen=16).hex()
    return value if isinstance(value, str) else json.dumps(value, default=str).strip('"')
