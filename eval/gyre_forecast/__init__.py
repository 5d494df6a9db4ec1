"""Ensemble forecasts of the hybrid double gyre: the page docs/results/gyre_forecast.md."""
