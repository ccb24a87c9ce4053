"""Parse the users of `REACH_CONSOLE_USERS` and check passwords. Only scrypt hashes of passwords are kept."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from console.access.roles import ROLES, Permission
from console.errors import ConsoleConfigError

MIN_PASSWORD_LENGTH = 12
"""In characters."""

SALT_BYTES, DIGEST_BYTES = 16, 32
ENTRY = re.compile(r"(?P<name>[A-Za-z0-9_.@-]{1,60}):(?P<role>[a-z]+):(?P<salt>[\w-]{22}):(?P<digest>[\w-]{43})")
ENTRY_FORM = "name:role:salt:digest, as '.venv/bin/python -m console hash-password' prints it"


@dataclass(frozen=True)
class User:
    """Identify a person by name and role."""

    name: str
    role: str
    salt: bytes
    digest: bytes

    def may(self, permission: Permission) -> bool:
        """Return whether the role includes the permission."""
        return permission in ROLES[self.role]


class Users:
    """Hold the users of one installation, by name."""

    def __init__(self, users: dict[str, User]):
        self._users = users
        # An unknown name costs as much time as a wrong password, so the delay does not show which names exist.
        self._nobody = User("", "viewer", secrets.token_bytes(SALT_BYTES), secrets.token_bytes(DIGEST_BYTES))

    @classmethod
    def parse(cls, text: str | None) -> "Users":
        """Return the users of `REACH_CONSOLE_USERS`: entries separated by spaces, commas or line breaks.

        Raises:
            ConsoleConfigError: An entry is not valid, two have the same name, or there is none.
        """
        users: dict[str, User] = {}
        for number, entry in enumerate(re.findall(r"[^\s,]+", text or ""), 1):
            match = ENTRY.fullmatch(entry)
            if match is None:  # the message does not repeat the entry, because it could be a password in clear text
                raise ConsoleConfigError(f"Entry {number} of REACH_CONSOLE_USERS is not of the form {ENTRY_FORM}.")
            name, role = match["name"], match["role"]
            if role not in ROLES:
                raise ConsoleConfigError(f"REACH_CONSOLE_USERS gives '{name}' the role '{role}'; use {_roles()}.")
            if name in users:
                raise ConsoleConfigError(f"REACH_CONSOLE_USERS names '{name}' twice. Remove one entry.")
            users[name] = User(name, role, _decoded(match["salt"]), _decoded(match["digest"]))
        if not users:
            raise ConsoleConfigError(
                "REACH_CONSOLE_USERS names no user, so no login would work. "
                "'.venv/bin/python -m console hash-password NAME ROLE' makes an entry."
            )
        return cls(users)

    def find(self, name: str) -> User | None:
        """Return the user of this name, or None."""
        return self._users.get(name)

    def check(self, name: str, password: str) -> User | None:
        """Return the user if the password is right, else None."""
        user = self._users.get(name)
        expected = user or self._nobody
        is_right = hmac.compare_digest(_digest(password, expected.salt), expected.digest)
        return user if is_right else None


def entry_for(name: str, role: str, password: str) -> str:
    """Return the entry of `REACH_CONSOLE_USERS` for a user.

    Raises:
        ConsoleConfigError: The password is too short, or the name or the role is not valid.
    """
    if len(password) < MIN_PASSWORD_LENGTH:
        raise ConsoleConfigError(f"A password has at least {MIN_PASSWORD_LENGTH} characters; this one {len(password)}.")
    salt = secrets.token_bytes(SALT_BYTES)
    entry = f"{name}:{role}:{_encoded(salt)}:{_encoded(_digest(password, salt))}"
    Users.parse(entry)
    return entry


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1, dklen=DIGEST_BYTES)


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _roles() -> str:
    return ", ".join(ROLES)
