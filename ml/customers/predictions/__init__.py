"""Predict a customer's next orders, lapse, spend and due categories."""

from ml.customers.predictions.part import Predictions

__all__ = ["Predictions"]
