"""Why an item is on a slate, in words for the customer and from the customer's own purchases.

An explanation cites facts that can be checked: the product's own rhythm, the purchase that contributes most to the
item's score, or what was bought of the same type. Without the cited purchases the item falls or its explanation
changes.
"""

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.explanation import NO_EVIDENCE, Explanation, PurchaseEvidence
from scoring.candidates.sources import SOURCES
from scoring.catalogue import Catalogue

REQUEST = "request"
"""Stands for a source where no source put the product forward, because the request named it."""

REQUEST_TEXT = "One of the products asked about"


class Explainer:
    """Explains one customer's items.

    Args:
        catalogue: The products.
        batch: The batch with the customer; None if nothing is known of the customer.
        row: The customer's row in the batch.
    """

    def __init__(self, catalogue: Catalogue, batch: CustomerBatch | None, row: int = 0):
        self._catalogue = catalogue
        self._evidence = None if batch is None else PurchaseEvidence(batch, row)

    def explain(self, position: int, source: str) -> Explanation:
        """Explain why `source` put the product at catalogue index `position` forward."""
        if self._evidence is None:
            text = REQUEST_TEXT if source == REQUEST else SOURCES[source].opening(self._catalogue, position)
            return Explanation(text, NO_EVIDENCE)
        if source == REQUEST:
            return self._evidence.cite_type(REQUEST_TEXT, position)
        return SOURCES[source].explain(self._evidence, position)
