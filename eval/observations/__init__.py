"""Forecasts, runs and climatologies beside single observations (Class 4)."""
