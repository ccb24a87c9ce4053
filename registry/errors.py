"""Errors of this room.

ReleaseError
├── ReleaseConflictError        the champion changed since the caller looked
├── NothingToRollBackError      no version was champion before the present one
├── UnknownVersionError         the model store does not hold the version
├── VersionExistsError          the model store holds other content under the version
├── UnusableBundleError         a bundle is incomplete, altered or answers wrongly
├── DamagedReleaseError         the release log or the champion pointer cannot be read
├── VerifyError                 the running service does not answer as the bundle promises
│   └── ServiceKeyError         the service wants an API key that these commands do not have
└── BuildError                  no Bento could be built
"""


class ReleaseError(Exception):
    """Anything that keeps a version from being put, deployed, verified or rolled back."""


class ReleaseConflictError(ReleaseError):
    """The champion changed since the caller looked."""

    def __init__(self, expected: int, found: int, version: str | None):
        super().__init__(
            f"Expected the champion pointer at generation {expected}, found {found} (champion: {version}). "
            "Somebody else released meanwhile: look at '.venv/bin/python -m registry status' and decide again."
        )
        self.expected = expected
        self.found = found


class NothingToRollBackError(ReleaseError):
    """No version was champion before the present one."""


class UnknownVersionError(ReleaseError):
    """The model store does not hold the version."""


class VersionExistsError(ReleaseError):
    """The model store holds other content under the version."""


class UnusableBundleError(ReleaseError):
    """A bundle is incomplete, altered or answers wrongly."""


class DamagedReleaseError(ReleaseError):
    """The release log or the champion pointer cannot be read."""


class VerifyError(ReleaseError):
    """The running service does not answer as the bundle promises."""


class ServiceKeyError(VerifyError):
    """The running service wants an API key that Reach's own commands do not have."""


class BuildError(ReleaseError):
    """No Bento could be built."""
