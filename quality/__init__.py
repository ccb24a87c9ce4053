"""Validate data with Great Expectations at five checkpoints: landing, features, training, profiles and feedback.

Run it with `python -m quality`. The expectations are in `quality/suites/`, one file per checkpoint.
"""
