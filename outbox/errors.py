"""Define the errors of the outbox; each message names the thing, the value and the next step.

OutboxError
├── StoreError            the store cannot be used
│   ├── StoreVersionError  the store was written by a newer version
│   └── StoreBusyError     another process held the store for too long; trying again is safe
├── PlanError             a plan cannot be stored as it is
├── DeliveryError         a channel is not configured, or its settings cannot be used
├── AdmissionError        consents and addresses of the landing cannot be read
└── TokenError            an unsubscribe token is not one of ours
"""


class OutboxError(Exception):
    """Base of the outbox's errors; a command prints the message and exits with 1."""


class StoreError(OutboxError):
    """The store cannot be opened, read or written."""


class StoreVersionError(StoreError):
    """The store has a newer schema than this version of Reach."""


class StoreBusyError(StoreError):
    """Another process holds the store; nothing was written."""


class PlanError(OutboxError):
    """A plan contradicts itself; nothing was stored."""


class DeliveryError(OutboxError):
    """A channel cannot be used with the present settings."""


class AdmissionError(OutboxError):
    """The admitted consents, addresses and bounces cannot be read; nothing was imported."""


class TokenError(OutboxError):
    """An unsubscribe token is damaged, or was signed with another key."""
