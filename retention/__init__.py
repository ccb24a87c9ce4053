"""What the data directory takes and what of it may go: sizes by area, the need of a run, and pruning by a policy."""
