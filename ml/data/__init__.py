"""Read training sets and split them by time."""
