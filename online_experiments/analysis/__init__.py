"""Measure announced experiments: exposures, metrics at each daily look, and the advice that follows."""
