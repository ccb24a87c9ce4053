"""Evaluation of lists against labels; it does not depend on the models that made the lists."""
