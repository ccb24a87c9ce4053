"""The folder of one training run: its specification, its artifacts and how long they are kept."""
