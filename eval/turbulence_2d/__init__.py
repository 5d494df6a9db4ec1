"""The benchmark of decaying two-dimensional turbulence: python -m eval.turbulence_2d."""
