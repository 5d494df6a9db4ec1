"""The real samples in OCEAN_GCM_DATA: what was read, converted and checked (`python -m eval.data_samples`)."""
