"""Mistakes that a user can mend."""


class UserError(ValueError):
    """One clear sentence: the key, file or variable, the value found, and what was expected."""
