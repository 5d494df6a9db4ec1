"""Figures of model output: arrays in, matplotlib axes out."""
