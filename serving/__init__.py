"""The recommendation service: the champion bundle and the online store behind `POST /recommend`.

Knows `scoring`, the read side of `registry`, `feature_repo`'s door and `settings`; no training code and no
TensorFlow.
"""
