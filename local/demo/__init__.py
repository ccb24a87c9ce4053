"""The end of `make demo` for campaigns: a mail sink, its settings, and one campaign that is ready to launch."""
