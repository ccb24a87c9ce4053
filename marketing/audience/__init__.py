"""Order customers by their probability of buying an item, and estimate how many of them will buy."""
