"""Serve recommendations over HTTP, from the champion bundle and the online store.

The package imports `scoring`, the read side of `registry`, `feature_store`, `events` and `settings`. It imports no
training code and no TensorFlow.
"""
