"""Define the four roles and what each may do."""

from enum import StrEnum


class Permission(StrEnum):
    """List the actions beyond reading pages."""

    EDIT_CAMPAIGNS = "edit campaigns"
    LAUNCH = "launch and stop campaigns"
    EXPORT = "export audiences and segments"
    PAUSE_SENDING = "pause and continue sending"
    RELEASE = "roll back a release"


ROLES: dict[str, frozenset[Permission]] = {
    "viewer": frozenset(),
    "marketer": frozenset(
        {Permission.EDIT_CAMPAIGNS, Permission.LAUNCH, Permission.EXPORT, Permission.PAUSE_SENDING},
    ),
    "operator": frozenset({Permission.PAUSE_SENDING, Permission.RELEASE}),
    "admin": frozenset(Permission),
}
"""Role -> permissions. Every role may read every page."""
