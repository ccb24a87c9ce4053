"""A customer as the models read one, and how a purchase changes one."""
