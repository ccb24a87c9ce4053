"""Declares every feature once: name, type, meaning, window, and what becomes of it when a purchase arrives.

Feast's views, the names that models read, the live state of a customer, test tables and docs/features.md follow from
`features.declared`. This package imports no other one of Reach, so that all may import it.
"""
