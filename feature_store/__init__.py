"""Publish feature tables, materialize them into the online store, and read them at any point in time.

Commands: `python -m feature_store publish|apply|materialize`. Other packages import `feature_store.offline_store` and
`feature_store.online.reader`.
"""
