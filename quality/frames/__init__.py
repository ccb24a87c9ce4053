"""The frames that expectations judge: DuckDB computes them, so that no large table enters Python.

A frame's column `subject`, where there is one, says what a row is about: a day, a category, a feature.
"""
