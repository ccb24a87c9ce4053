"""Read what became of a campaign: counts of the outbox, and measured results."""
