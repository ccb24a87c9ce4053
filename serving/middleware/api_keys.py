"""Parse and check API keys. The service stores only their hashes."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from serving.errors import ApiKeyConfigError, ForbiddenError, UnauthorizedError

SCOPES = ("recommend", "events", "marketing", "testing", "admin")
"""`recommend`: request lists. `events`: report events. `marketing`: read profiles, choose audiences and offers.
`testing`: choose variants of experiments in requests for lists. `admin`: metrics, the API's description, the rest."""

MIN_KEY_LENGTH = 32
"""In characters. SHA-256 is not a password hash: it protects a random key, not a guessable word."""

ENTRY_PATTERN = re.compile(r"(?P<name>[A-Za-z0-9_.-]{1,40}):(?P<scopes>[a-z]+(\+[a-z]+)*):(?P<digest>[0-9a-f]{64})")
ENTRY_FORMAT = "name:scope+scope:sha256, as '.venv/bin/python -m serving hash-key' prints it"


@dataclass(frozen=True)
class ApiKey:
    """Identify a key by its owner's name, with its scopes and its SHA-256 digest (32 bytes)."""

    name: str
    scopes: frozenset[str]
    digest: bytes


class ApiKeyStore:
    """Hold the keys of one installation. An empty store means that no key is needed."""

    def __init__(self, keys: list[ApiKey]):
        self._keys = keys

    def __bool__(self) -> bool:
        return bool(self._keys)

    @classmethod
    def parse(cls, text: str | None) -> "ApiKeyStore":
        """Return the keys of `REACH_API_KEYS`: entries separated by spaces, commas or line breaks.

        Raises:
            ApiKeyConfigError: An entry is not valid, or two have the same name.
        """
        keys: dict[str, ApiKey] = {}
        for number, entry in enumerate(re.findall(r"[^\s,]+", text or ""), 1):
            match = ENTRY_PATTERN.fullmatch(entry)
            if match is None:  # the message does not repeat the entry: it could be a key in clear text
                raise ApiKeyConfigError(f"Entry {number} of REACH_API_KEYS is not of the form {ENTRY_FORMAT}.")
            name, scopes = match["name"], frozenset(match["scopes"].split("+"))
            if unknown := scopes - set(SCOPES):
                raise ApiKeyConfigError(
                    f"REACH_API_KEYS gives '{name}' the scope '{min(unknown)}'; the scopes are {', '.join(SCOPES)}."
                )
            if name in keys:
                raise ApiKeyConfigError(
                    f"REACH_API_KEYS names '{name}' twice. Metrics and limits need a different name for each key."
                )
            keys[name] = ApiKey(name, scopes, bytes.fromhex(match["digest"]))
        return cls(list(keys.values()))

    def check(self, authorization: str, scope: str) -> ApiKey:
        """Return the key of an `Authorization` header if it has the scope.

        Every entry is compared, each in constant time, so the answer's delay leaks nothing about the keys.

        Raises:
            UnauthorizedError: The header has no key, or an unknown one.
            ForbiddenError: The key does not have the scope.
        """
        kind, _, key = authorization.partition(" ")
        if kind.lower() != "bearer" or not key:
            raise UnauthorizedError("An API key is needed. Send it as 'Authorization: Bearer <key>'.")
        digest = hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).digest()
        match = None
        for candidate in self._keys:
            if hmac.compare_digest(candidate.digest, digest):
                match = candidate
        if match is None:
            raise UnauthorizedError("This API key is not valid.")
        if scope not in match.scopes:
            raise ForbiddenError(f"This API key has no scope '{scope}'; it has {', '.join(sorted(match.scopes))}.")
        return match


def make_key() -> str:
    """Return a new key of 256 random bits."""
    return "reach_" + secrets.token_urlsafe(32)


def entry_for(key: str, name: str, scopes: list[str]) -> str:
    """Return the entry of `REACH_API_KEYS` for a key.

    Raises:
        ApiKeyConfigError: The key is too short, or the name or a scope is not valid.
    """
    if len(key) < MIN_KEY_LENGTH or not key.isascii() or not key.isprintable() or " " in key:
        raise ApiKeyConfigError(
            f"A key has at least {MIN_KEY_LENGTH} printable ASCII characters and no space. "
            "Leave it out to get a new one."
        )
    entry = f"{name}:{'+'.join(scopes)}:{hashlib.sha256(key.encode()).hexdigest()}"
    ApiKeyStore.parse(entry)
    return entry
