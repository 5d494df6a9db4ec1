"""Ensemble forecasts: initial states from data, members spread over devices, a Zarr store that can go on growing."""
