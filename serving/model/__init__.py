"""Follow the champion: load, check and swap the bundle that serves."""
