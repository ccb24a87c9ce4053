"""The gate: policy, evidence, and how often the gate itself is wrong."""
