"""Quasi-geostrophic layers in a doubly periodic box, pseudo-spectral; one file per subject."""
