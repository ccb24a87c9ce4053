"""Plug-ins: a folder of Python files in which every file adds one thing, and the file's name is the thing's name."""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class PluginFolder:
    """A package whose files are plug-ins of one kind.

    Attributes:
        package: Dotted name of the package. It is imported on first use only.
        kind: Name of a plug-in in messages, such as "ranker".
        holds: Name of the object that each file defines once, such as "Keras model".
        error: Exception class for an unknown name and for a file that does not define exactly one.
    """

    package: str
    kind: str
    holds: str
    error: type[Exception]

    def names(self) -> list[str]:
        """Return every plug-in's name, sorted. Only looks at file names, so it imports no plug-in."""
        return sorted(found.name for found in pkgutil.iter_modules(import_module(self.package).__path__))

    def unknown(self, name: str) -> str:
        """Return the message for a name that no file has."""
        return f"There is no {self.kind} '{name}'. Known {self.kind}s: {', '.join(self.names())}."

    def load(self, name: str, is_plugin: Callable[[type], bool]) -> Any:
        """Import one plug-in's file and return the class that it defines.

        Args:
            name: The file's name without its ending.
            is_plugin: Whether a class is a plug-in of this kind; classes that the file imports do not count.

        Raises:
            Exception: `self.error`, if no file has that name or the file does not define exactly one plug-in.
        """
        if name not in self.names():
            raise self.error(self.unknown(name))
        module = import_module(f"{self.package}.{name}")
        found = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and value.__module__ == module.__name__ and is_plugin(value)
        ]
        if len(found) != 1:
            raise self.error(
                f"{module.__file__} holds {len(found)} {self.holds}s, but the file of one {self.kind} holds one."
            )
        return found[0]
