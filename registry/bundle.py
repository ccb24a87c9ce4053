"""Define the protocol of a product's bundle; the registry opens bundles only through `products.py`."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from pydantic import BaseModel, ConfigDict, ValidationError

from core.files.bundle import MANIFEST
from core.restricted import Restricted
from products import PRODUCTS, Product
from registry.errors import UnknownProductError, UnusableBundleError


class Bundle(Protocol):
    """An opened bundle, whose files were checked against the hashes of its manifest."""

    @property
    def version(self) -> str:
        """Return the version that the manifest names."""

    def check_golden(self) -> None:
        """Raise `core.files.bundle.BundleError` if a golden request is answered differently from before."""


class ServiceProbe(Protocol):
    """A request to the running service, with the bundle's own answer to it."""

    @property
    def path(self) -> str:
        """Return the path of the request, such as `/recommend`."""

    @property
    def body(self) -> dict[str, Any]:
        """Return the JSON body of the request. It must not name a real customer."""

    def difference(self, answer: Mapping[str, Any]) -> str | None:
        """Return how the service's answer differs from the bundle's, as a sentence; None if they agree."""


@runtime_checkable
class ServedBundle(Bundle, Protocol):
    """A bundle of a product that the HTTP service answers with."""

    def service_probes(self, restricted: Restricted | None) -> Sequence[ServiceProbe]:
        """Return the requests by which `verify` compares the running service with this bundle.

        Args:
            restricted: patterns of products that the service leaves out of its lists; None for none.
        """


class StoredManifest(BaseModel):
    """The fields that every product's `manifest.json` has; a product adds its own.

    Attributes:
        baseline: why a simple rule is released instead of a trained model; empty if a model is.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: str
    as_of: date
    run_id: str
    git_revision: str
    files: dict[str, str]
    baseline: str = ""


def read_stored_manifest(folder: Path) -> StoredManifest:
    """Return the common part of a bundle's manifest.

    Raises:
        UnusableBundleError: the folder has no manifest, or one that cannot be read.
    """
    path = folder / MANIFEST
    try:
        return StoredManifest.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise UnusableBundleError(f"{folder} is not a bundle: it has no {MANIFEST}. Register the run again.") from error
    except (ValidationError, ValueError) as error:
        raise UnusableBundleError(f"{path} cannot be read: {error}") from error


def find_product(name: str) -> Product:
    """Return the declaration of a product.

    Raises:
        UnknownProductError: `products.py` does not declare it.
    """
    try:
        return PRODUCTS[name]
    except KeyError as error:
        known = ", ".join(PRODUCTS)
        raise UnknownProductError(
            f"'{name}' is not a product (known: {known}). Products are in products.py."
        ) from error


def load_opener(product: Product) -> Callable[[Path], Bundle]:
    """Import and return the function that opens the product's bundles."""
    module, _, name = product.opener.partition(":")
    return cast(Callable[[Path], Bundle], reduce(getattr, name.split("."), import_module(module)))
