"""The study of docs/results/gyre_hybrid.md: forecasts and climates of trained hybrids beside their physics."""
