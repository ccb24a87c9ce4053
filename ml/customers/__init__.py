"""The customer model: predictions, profile tags, taste, segments, audiences and offers, each a part of one version.

It is a product next to the recommender, with versions of its own: `python -m registry … --product customers`.
"""
