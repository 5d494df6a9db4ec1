"""From gridded analyses on their own levels and grids to states of the model, and back."""
