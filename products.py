"""The products of this installation: what the registry can release, and how each product's bundle is opened.

A product is a model with versions of its own: runs, a release log and a champion alias. To add one, add its line here.
"""

from dataclasses import dataclass

DEFAULT_PRODUCT = "recommender"
"""The product of a command without `--product`, and the owner of release files from before there were products."""


@dataclass(frozen=True)
class Product:
    """How the registry finds and opens the versions of a product.

    Attributes:
        model_name: the name of the product's entries in BentoML's model store.
        opener: `module:callable`. Called with a bundle's folder, it returns a `registry.bundle.Bundle`. It stands here
            and never in a bundle, because data must not name the code that is run.
        register_command: the command that puts a run into the model store, for error messages.
        is_served: whether the HTTP service answers with the product's champion.
    """

    model_name: str
    opener: str
    register_command: str
    is_served: bool = False


PRODUCTS = {
    "recommender": Product(
        model_name="reach-recommender",
        opener="scoring.bundle:Bundle.open",
        register_command="python -m ml register-model",
        is_served=True,
    ),
    "customers": Product(
        model_name="reach-customers",
        opener="ml.customers.bundle:CustomersBundle.open",
        register_command="python -m ml.customers register-model",
    ),
}
