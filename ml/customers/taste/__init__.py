"""Taste: a short vector of what a customer buys, for look-alikes, new buyers and segments."""

from ml.customers.taste.part import Taste

__all__ = ["Taste"]
