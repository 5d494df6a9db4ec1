"""Study: ensembles of two layers with a stochastic closure, beside the deterministic one."""
