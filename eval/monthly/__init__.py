"""Monthly forecasts of sea level and sea surface temperature on a 5-degree grid (docs/results/monthly.md)."""
