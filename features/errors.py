"""Define the errors between a staged feature table and a reader of features.

FeatureStoreError
├── StagedFeaturesError          a staged table is missing, has the wrong shape or leaks the future
├── NotPublishedError            no published feature tables, or not those of the day asked for
├── UnknownFeatureServiceError     a service (or the whole registry) is not there
└── OnlineStoreUnavailableError  the online store does not answer, or holds nothing yet
"""


class FeatureStoreError(Exception):
    """Base of the errors of features and their store; a command prints the message and exits with 1."""


class StagedFeaturesError(FeatureStoreError):
    """The staged feature tables cannot be published; the published ones are not changed."""


class NotPublishedError(FeatureStoreError):
    """The feature tables a step needs are not published."""


class UnknownFeatureServiceError(FeatureStoreError):
    """A feature service is not in the registry."""


class OnlineStoreUnavailableError(FeatureStoreError):
    """The online store cannot be read now; the service falls back and names the reason."""
