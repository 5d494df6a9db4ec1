"""Numbers of a run beside observed values."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from eval.climate.observed import Observed

COLUMNS = ("variable", "title", "unit", "model", "observed", "uncertainty", "distance", "source")


def compare(numbers: Mapping[str, float], absent: Mapping[str, str], observed: Observed) -> pd.DataFrame:
    """One row per observed value: columns `COLUMNS`; distance is (model - observed) / uncertainty.

    A section without an observed value, or one that the grid does not have, has empty cells; the reason of the latter
    stands in place of the source.
    """
    rows = []
    for quantity in (*observed.values, *observed.sections):
        model = numbers.get(quantity.name)
        head = (quantity.name, quantity.title, quantity.unit, model)
        if model is None and quantity.name in absent:
            rows.append((*head, None, None, None, absent[quantity.name]))
        elif model is not None:
            for known in quantity.observed:
                rows.append((*head, known.value, known.uncertainty, known.distance(model), known.source))
            if not quantity.observed:
                rows.append((*head, None, None, None, ""))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def verdict(comparison: pd.DataFrame) -> str:
    """How many quantities lie within one and two uncertainties of at least one observed value."""
    known = comparison.dropna(subset=["distance"])
    nearest = known.distance.abs().groupby(known.variable).min()
    return (
        f"{int((nearest <= 1).sum())} of {len(nearest)} observed quantities are matched within one uncertainty, "
        f"{int((nearest <= 2).sum())} within two."
    )
