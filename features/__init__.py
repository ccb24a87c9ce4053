"""Declare every feature once: name, type, meaning, window, and its update when a purchase arrives.

Feast's views, the names that models read, the live state of a customer, test tables and docs/features.md follow from
`features.declarations`. `features.publication` finds the current publication. This package imports
`settings` and `core` only, so every other package may import it.
"""
