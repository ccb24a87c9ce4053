"""Judgement: it knows lists, labels and numbers, not models."""
