"""Everything that may go wrong while customers ask, done to a real service in a sandbox: `make drill`."""
