"""Show campaigns: their list, one campaign with its seven steps and its results, and the campaigns of the past."""
