"""Feast: what a feature is called, where it is published, and how it is read at any point in time.

The door is `python -m feature_repo publish|apply|materialize`; other rooms use `feature_repo.store` and
`feature_repo.online` and the names of the feature services.
"""
