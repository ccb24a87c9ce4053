"""Training, evaluation and the gate: from training sets to a bundle that has earned its place."""
