"""Define what can go wrong between a staged score and one that somebody reads.

ScoresError
├── StagedScoresError        the staged scores are missing, damaged or of another day
└── ScoresNotPublishedError  nothing is published yet
"""


class ScoresError(Exception):
    """Base of the errors of customers' scores; a command prints the message and exits with 1."""


class StagedScoresError(ScoresError):
    """The staged scores cannot be published; the published ones are not changed."""


class ScoresNotPublishedError(ScoresError):
    """No scores are published."""
