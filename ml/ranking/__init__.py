"""Rankers: several models, one contract. A new one is a file here and a line in `rankers.py`."""
