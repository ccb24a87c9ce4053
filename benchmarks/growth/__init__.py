"""Measure what every stage costs on more data than the demo's."""
