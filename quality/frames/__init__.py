"""Compute the frames that expectations validate; DuckDB makes them small, so that no large table enters Python.

A frame's column `subject`, if it has one, names the subject of a row: a day, a category, a feature.
"""
