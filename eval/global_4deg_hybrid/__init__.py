"""The study of docs/results/global_4deg_hybrid.md: the observed ocean with learned fluxes, beside its physics."""
