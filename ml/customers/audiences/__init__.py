"""Audiences: calibrated probabilities that a customer buys a product or a category within four weeks."""

from ml.customers.audiences.audiences import Audiences

__all__ = ["Audiences"]
