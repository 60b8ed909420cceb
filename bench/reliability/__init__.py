"""Long trials of what must hold when everything else does not; each gives a line with its figure."""
