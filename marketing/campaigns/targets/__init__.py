"""The customers that a campaign wants to reach."""
