"""Manage the folder of a training run: its specification, its artifacts and their retention."""
