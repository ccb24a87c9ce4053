"""Train, evaluate and gate models: from training sets to a bundle that passed the gate."""
