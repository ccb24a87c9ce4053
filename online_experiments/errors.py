"""Errors of experiments: which file or experiment, what was found and what is allowed."""


class OnlineExperimentError(Exception):
    """An experiment that cannot be used as it is asked."""


class DefinitionError(OnlineExperimentError):
    """A file that defines no usable experiment.

    Attributes:
        problems: One sentence each, with the line, the value and what is allowed.
    """

    def __init__(self, file: str, problems: list[str]):
        count = f"{len(problems)} problems: " if len(problems) > 1 else ""
        super().__init__(f"{file}: {count}" + " ".join(problems))
        self.problems = problems


class AnnouncementError(OnlineExperimentError):
    """An announced experiment that is missing, broken, or in the way of another one."""
