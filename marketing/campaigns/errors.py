"""Define the errors of campaigns: where they are, what was found and what is allowed."""

from marketing.errors import MarketingError


class CampaignError(MarketingError):
    """A campaign that cannot be planned."""


class DefinitionError(CampaignError):
    """A file of a campaign or of the contact policy that cannot be used.

    Attributes:
        problems: one sentence each, with the line, the value and what is allowed.
    """

    def __init__(self, file: str, problems: list[str]):
        count = f"{len(problems)} problems: " if len(problems) > 1 else ""
        super().__init__(f"{file}: {count}" + " ".join(problems))
        self.file = file
        self.problems = problems
