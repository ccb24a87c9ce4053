"""Measure and prune the data directory: sizes by area, the need of a run, and pruning by a policy."""
