"""Flows whose solution is known, run through the whole model and measured: `python -m eval.validation`."""
