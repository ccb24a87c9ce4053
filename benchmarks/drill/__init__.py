"""Inject faults into a real service in a sandbox while customers send requests: `make drill`."""
