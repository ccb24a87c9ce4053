"""Hold what several packages share: files and locks, DuckDB access, time, ids, limits, and how a command runs.

This package imports no other package of Reach.
"""
