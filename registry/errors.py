"""The errors of `registry`.

RegistryError
├── UnknownProductError         no such product is declared
├── GenerationConflictError     the champion changed since the caller looked
├── NothingToRollBackError      no version was champion before the present one
├── UnknownVersionError         the model store does not contain the version
├── VersionExistsError          the model store contains other content under the version
├── UnusableBundleError         a bundle is incomplete, altered or answers wrongly
├── DamagedRegistryError        the release log or the champion alias cannot be read
├── VerifyError                 the running service does not answer as the bundle does
│   └── ServiceKeyError         the service requires an API key that these commands do not have
└── BuildError                  no Bento could be built
"""


class RegistryError(Exception):
    """Anything that keeps a version from being stored, deployed, verified or rolled back."""


class UnknownProductError(RegistryError):
    """No such product is declared."""


class GenerationConflictError(RegistryError):
    """The champion changed since the caller looked."""

    def __init__(self, expected: int, found: int, version: str | None):
        super().__init__(
            f"Expected the champion alias at generation {expected}, found {found} (champion: {version}). "
            "Another release came first: look at '.venv/bin/python -m registry status' and decide again."
        )
        self.expected = expected
        self.found = found


class NothingToRollBackError(RegistryError):
    """No version was champion before the present one."""


class UnknownVersionError(RegistryError):
    """The model store does not contain the version."""


class VersionExistsError(RegistryError):
    """The model store contains other content under the version."""


class UnusableBundleError(RegistryError):
    """A bundle is incomplete, altered or answers wrongly."""


class DamagedRegistryError(RegistryError):
    """The release log or the champion alias cannot be read."""


class VerifyError(RegistryError):
    """The running service does not answer as the bundle does."""


class ServiceKeyError(VerifyError):
    """The running service requires an API key that Reach's own commands do not have."""


class BuildError(RegistryError):
    """No Bento could be built."""
