"""Quality: Great Expectations at four boundaries: what landed, what the features say, what a model is taught.

The door is `python -m quality`; expectations live in `quality/suites/`, one file a boundary.
"""
