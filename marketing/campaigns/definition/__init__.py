"""Campaign files: their fields, how they are read, and how they are checked."""
