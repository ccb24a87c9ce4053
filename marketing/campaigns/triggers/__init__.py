"""Triggers: pure functions from published scores, features and events to targets."""
