"""Feast: where features are published, and how they are read at any point in time.

The door is `python -m feature_repo publish|apply|materialize`; other rooms use `feature_repo.store` and
`feature_repo.online` and the names of the feature services.
"""
