"""Measure the customer model, audiences and campaigns; `python -m benchmarks.customers` evaluates the model."""
