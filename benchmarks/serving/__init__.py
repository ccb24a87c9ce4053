"""Measure the service; `python -m benchmarks.serving` measures what a request costs."""
