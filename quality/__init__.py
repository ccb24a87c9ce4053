"""Validate data with Great Expectations at six checkpoints: landing, features, training, profiles, plan and feedback.

Run it with `python -m quality`. The expectations are in `quality/suites/`, one file per checkpoint.
"""
