"""List the expectations, one file per checkpoint; severity and limits of each one are in quality/thresholds.toml."""
