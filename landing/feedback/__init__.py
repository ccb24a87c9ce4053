"""Collect events and decisions from the event log, and merge them with those of a landing."""
