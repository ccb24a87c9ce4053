"""API keys: who may ask what. The service knows only their hashes."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from serving.errors import ApiKeyConfigError, ForbiddenError, UnauthorizedError

SCOPES = ("recommend", "events", "admin")
"""`recommend`: ask for lists. `events`: report events. `admin`: metrics, the API's description, everything else."""

MIN_KEY_LENGTH = 32
"""Characters of a key. SHA-256 is no password hash: it protects a key that cannot be guessed, not a word."""

ENTRY_PATTERN = re.compile(r"(?P<name>[A-Za-z0-9_.-]{1,40}):(?P<scopes>[a-z]+(\+[a-z]+)*):(?P<digest>[0-9a-f]{64})")
ENTRY_FORMAT = "name:scope+scope:sha256, as '.venv/bin/python -m serving hash-key' prints it"


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key: its owner's name, what it may be used for, and its SHA-256 (32 bytes)."""

    name: str
    scopes: frozenset[str]
    digest: bytes


class ApiKeyStore:
    """The keys of one installation. None at all means that nobody needs one."""

    def __init__(self, keys: list[ApiKey]):
        self._keys = keys

    def __bool__(self) -> bool:
        return bool(self._keys)

    @classmethod
    def parse(cls, text: str | None) -> "ApiKeyStore":
        """ApiKeyStore from `REACH_API_KEYS`: entries separated by spaces, commas or lines. Raises ApiKeyConfigError."""
        keys: dict[str, ApiKey] = {}
        for place, entry in enumerate(re.findall(r"[^\s,]+", text or ""), 1):
            found = ENTRY_PATTERN.fullmatch(entry)
            if found is None:  # not repeated: it could be a key in clear
                raise ApiKeyConfigError(f"Entry {place} of REACH_API_KEYS is not of the form {ENTRY_FORMAT}.")
            name, scopes = found["name"], frozenset(found["scopes"].split("+"))
            if unknown := scopes - set(SCOPES):
                raise ApiKeyConfigError(
                    f"REACH_API_KEYS gives '{name}' the scope '{min(unknown)}'; the scopes are {', '.join(SCOPES)}."
                )
            if name in keys:
                raise ApiKeyConfigError(
                    f"REACH_API_KEYS names '{name}' twice. Names tell keys apart in metrics and limits."
                )
            keys[name] = ApiKey(name, scopes, bytes.fromhex(found["digest"]))
        return cls(list(keys.values()))

    def check(self, authorization: str, scope: str) -> ApiKey:
        """The key of an `Authorization` header, if it is one of ours and good for `scope`.

        Every entry is compared, each in constant time: the answer's delay tells nothing about the keys.
        Raises UnauthorizedError, ForbiddenError.
        """
        kind, _, key = authorization.partition(" ")
        if kind.lower() != "bearer" or not key:
            raise UnauthorizedError("An API key is needed. Send it as 'Authorization: Bearer <key>'.")
        digest = hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).digest()
        found = None
        for known in self._keys:
            if hmac.compare_digest(known.digest, digest):
                found = known
        if found is None:
            raise UnauthorizedError("This API key is not known here.")
        if scope not in found.scopes:
            raise ForbiddenError(f"This API key has no scope '{scope}'; it has {', '.join(sorted(found.scopes))}.")
        return found


def make_key() -> str:
    """A new key of 256 random bits."""
    return "reach_" + secrets.token_urlsafe(32)


def entry_for(key: str, name: str, scopes: list[str]) -> str:
    """What `REACH_API_KEYS` holds of a key. Raises ApiKeyConfigError if the key is short or the entry impossible."""
    if len(key) < MIN_KEY_LENGTH or not key.isascii() or not key.isprintable() or " " in key:
        raise ApiKeyConfigError(
            f"A key has at least {MIN_KEY_LENGTH} printable ASCII characters and no space. Let one be made."
        )
    entry = f"{name}:{'+'.join(scopes)}:{hashlib.sha256(key.encode()).hexdigest()}"
    ApiKeyStore.parse(entry)
    return entry
