"""Keep the newest dry runs, and compare the messages that they rendered."""
