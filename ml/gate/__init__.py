"""The gate: policy, evidence, and synthetic effects that measure how often the gate is wrong."""
