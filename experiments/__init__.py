"""Statistics of experiments: assignment, power, effects with intervals, and when an effect is not identified.

The functions are pure and know arrays only: no campaign, no coupon, no file. The gate, campaigns and experiments of the
service share them.
"""
