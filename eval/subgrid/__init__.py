"""How good closures of layers are: their sources beside the diagnosed one, and statistics of runs with them."""
