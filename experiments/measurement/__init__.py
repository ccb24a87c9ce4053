"""Measure arms: what customers bought before and after a decision, and the verdict over the looks so far."""
