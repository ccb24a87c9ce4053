"""Define experiments in TOML files, and check them."""
