"""Statistics of experiments: assignment, power, effects with intervals, identification, bootstrap.

The functions are pure functions of arrays and depend on no campaign and no coupon. The gate, campaigns and experiments
of the service share them.
"""
