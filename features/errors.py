"""What can go wrong between a staged feature table and a feature that somebody reads.

FeatureRepoError
├── StagedFeaturesError          a staged table is missing, has the wrong shape or knows the future
├── NotPublishedError            no published feature tables, or not those of the day asked for
├── FeatureServiceMissingError     a service (or the whole registry) is not there
└── OnlineStoreUnavailableError  the online store does not answer, or holds nothing yet
"""


class FeatureRepoError(Exception):
    """Base of this room's errors; the command prints the message and exits with 1."""


class StagedFeaturesError(FeatureRepoError):
    """The staged feature tables cannot be published; what is published stays as it is."""


class NotPublishedError(FeatureRepoError):
    """The feature tables a step needs are not published."""


class FeatureServiceMissingError(FeatureRepoError):
    """A feature service is not in the registry."""


class OnlineStoreUnavailableError(FeatureRepoError):
    """The online store cannot be read now; whoever serves falls back and says so."""
