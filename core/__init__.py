"""Rules that several packages share and none of them owns. Imports no other package of Reach."""
