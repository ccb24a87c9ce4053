"""Define the interface of models that are fitted on purchases: they are saved in a bundle and loaded from it."""

from pathlib import Path
from typing import Protocol, Self


class FittedModel(Protocol):
    """A model fitted on the purchases known at one instant; `.npy` files only, so that loading runs no code."""

    def save(self, folder: Path) -> None:
        """Write the model's arrays into a folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        ...
