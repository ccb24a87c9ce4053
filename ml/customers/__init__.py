"""The customer model: the probability that an active customer buys nothing in the next eight weeks (churn).

A second product besides the recommender, with versions of its own: `python -m registry … --product churn`.
"""
