"""Run the commands of `python -m online_experiments`."""
