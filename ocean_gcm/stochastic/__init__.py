"""Random fields on the masked sphere or plane, and the perturbations that are built on them."""
