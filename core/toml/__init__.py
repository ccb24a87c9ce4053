"""Read TOML files that people write, and explain their errors by line, field and value."""
