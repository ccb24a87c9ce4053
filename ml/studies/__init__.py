"""Offline studies of finished runs, one file each, apart from the retraining."""
