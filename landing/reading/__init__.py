"""Find the files of a landing, read them, and bring every column to the type of the contract."""
