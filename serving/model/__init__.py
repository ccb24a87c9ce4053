"""Which bundle serves: follow the champion alias, load, check and swap."""
