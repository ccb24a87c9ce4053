"""Measure the statistics' own error rates on a shop's real spend."""
