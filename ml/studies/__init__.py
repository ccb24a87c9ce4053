"""Offline studies, one file each: what was tried on finished runs, beside the retraining."""
