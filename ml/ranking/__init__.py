"""Train rankers: several models, one contract. A new one is a file in `models/` and its name in `config.toml`."""
