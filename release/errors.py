"""Errors of this room.

ReleaseError
├── ReleaseConflict     the champion changed since the caller looked
├── NothingToRollBack   no version was champion before the present one
├── UnknownVersion      the model store does not hold the version
├── VersionExists       the model store holds other content under the version
├── UnusableBundle      a bundle is incomplete, altered or answers wrongly
├── DamagedRelease      the release log cannot be read
├── VerifyFailed        the running service does not answer as the bundle promises
└── BuildFailed         no Bento could be built
"""


class ReleaseError(Exception):
    """Anything that keeps a version from being put, deployed, verified or rolled back."""


class ReleaseConflict(ReleaseError):
    """The champion changed since the caller looked."""

    def __init__(self, expected: int, found: int, version: str | None):
        super().__init__(
            f"Expected the champion pointer at generation {expected}, found {found} (champion: {version}). "
            "Somebody else released meanwhile: look at 'python -m release status' and decide again."
        )
        self.expected = expected
        self.found = found


class NothingToRollBack(ReleaseError):
    """No version was champion before the present one."""


class UnknownVersion(ReleaseError):
    """The model store does not hold the version."""


class VersionExists(ReleaseError):
    """The model store holds other content under the version."""


class UnusableBundle(ReleaseError):
    """A bundle is incomplete, altered or answers wrongly."""


class DamagedRelease(ReleaseError):
    """The release log cannot be read."""


class VerifyFailed(ReleaseError):
    """The running service does not answer as the bundle promises."""


class BuildFailed(ReleaseError):
    """No Bento could be built."""
