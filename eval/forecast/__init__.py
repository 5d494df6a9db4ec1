"""Forecasts against a truth: scores, baselines, report."""
