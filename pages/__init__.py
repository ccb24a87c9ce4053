"""One page a run: links to all that a run made, so that a person has one place to open.

The command is `python -m pages run --run-id R` for a retraining and `python -m pages features --as-of D` for a build
of the features. A page is static, links relatively (the data directory can be moved) and asks no other host.
"""
