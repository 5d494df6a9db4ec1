"""Experiments with the quasi-geostrophic core: configuration, start, forcing, output and figures.

The core itself is `ocean_gcm.dynamics.spectral`, its closures are `ocean_gcm.closures.layers`.
"""
