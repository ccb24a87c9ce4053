"""Plans: what they are made of, their decisions, and their staging."""
