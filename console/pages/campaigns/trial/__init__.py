"""Remember dry runs, and compare the messages that they rendered."""
