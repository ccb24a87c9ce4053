"""The expectations, one file a boundary: add one by adding a line that says what, how grave, and what to do."""
