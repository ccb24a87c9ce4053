"""One file per way of delivery; each turns what happens on its connection into an outcome."""
