"""Segments: a value axis and a taste axis, each published only with a certificate of its own."""

from ml.customers.segments.part import Segments

__all__ = ["Segments"]
