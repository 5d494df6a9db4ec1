"""Embedded climatologies, for oceans that need no data."""
