"""Averages over space of one forecast, from which all scores are made: averages first, roots and ratios last."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.metrics.ensemble import brier_score, reliability_sums
from ocean_gcm.metrics.host import energy_score, fair_crps, rank_histogram

BY_LEVEL = ("squared_error", "absolute_error", "error", "crps", "variance", "product", "square_f", "square_a")
"""Averages by lead, region and level: of the error of the ensemble mean, the fair CRPS (the absolute error of one
member), the variance among members, and the three parts of the anomaly correlation."""
MAPPED = ("error", "squared_error", "crps", "variance")
"""Fields that are added up for maps."""
_BLOCK = 3.2e7  # bytes of members that are scored at once


def _scores(members, centre, truth, climatology, weights, *, mapped: bool) -> dict[str, np.ndarray]:
    """Of members (M, L, nz, ny, nx) and truth (L, nz, ny, nx); weights (R, nz, ny, nx)."""
    wet = weights[0] > 0
    members, centre, truth, climatology = (
        np.where(wet, x, np.float32(0)) for x in (members, centre, truth, climatology)
    )
    several = members.shape[0] > 1
    error, f, a = centre - truth, centre - climatology, truth - climatology
    fields = {
        "squared_error": error**2,
        "absolute_error": np.abs(error),
        "error": error,
        "crps": fair_crps(members, truth) if several else np.abs(members[0] - truth),
        "variance": _variance(members) if several else np.zeros_like(error),
        "product": f * a,
        "square_f": f * f,
        "square_a": a * a,
    }
    leads, levels = truth.shape[:2]
    flat = weights.reshape(*weights.shape[:2], -1)  # (R, nz, n)
    total = flat.sum(-1, keepdims=True)
    share = np.moveaxis(flat / np.where(total > 0, total, 1), 0, -1).astype(float)  # (nz, n, R)

    def mean(field):
        by_level = np.swapaxes(field.reshape(leads, levels, -1), 0, 1).astype(float) @ share
        return np.moveaxis(by_level, 0, -1)  # (L, R, nz)

    out = {name: mean(field) for name, field in fields.items()}
    if mapped:
        out["maps"] = np.stack([fields[name][:, 0] for name in MAPPED], 1).astype(float)
    if several:
        columns = members.reshape(len(members), leads, -1)
        volumes = weights.reshape(len(weights), -1)
        out["ranks"] = np.stack([rank_histogram(columns[:, k], truth[k].ravel(), volumes) for k in range(leads)])
        out["energy"] = energy_score(members.reshape(*members.shape[:3], -1), truth.reshape(leads, levels, -1), flat[0])
    else:
        out["energy"] = np.sqrt(out["squared_error"][:, 0])
    return out


def _variance(members: np.ndarray) -> np.ndarray:
    """Among members, with M - 1; from the first member, so that float32 keeps the digits of a small spread."""
    return (members - members[:1]).var(0, ddof=1)


def statistics(members, centre, truth, climatology, weights, *, mapped: bool) -> dict[str, np.ndarray]:
    """Averages of one start date.

    Args:
      members: (member, lead, nz, ny, nx).
      centre: (lead, nz, ny, nx) what is compared with the truth as a single forecast; the mean of the members.
      truth, climatology: (lead, nz, ny, nx).
      weights: (region, nz, ny, nx) volumes, zero on land; the first region holds all others.
      mapped: whether to return the fields of the uppermost level.

    Returns `BY_LEVEL` (lead, region, nz), "energy" (lead, nz) of the first region, with two or more members "ranks"
    (lead, region, M + 1) of all levels by volume, and "maps" (lead, MAPPED, ny, nx).  Worked off in blocks of levels
    and leads, so that memory stays bounded.
    """
    number, leads, levels = members.shape[:3]
    plane = int(np.prod(members.shape[3:])) * 4 * number
    level_step = int(np.clip(_BLOCK // plane, 1, levels))
    lead_step = int(np.clip(_BLOCK // (plane * level_step), 1, leads))
    rows = []
    for k in range(0, leads, lead_step):
        part = slice(k, k + lead_step)
        found = []
        for z in range(0, levels, level_step):
            chosen = slice(z, z + level_step)
            result = _scores(
                members[:, part, chosen], centre[part, chosen], truth[part, chosen], climatology[part, chosen],
                weights[:, chosen], mapped=mapped and z == 0,
            )  # fmt: skip
            found.append((result, weights[:, chosen].sum((1, 2, 3))))
        rows.append(_joined_levels(found))
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _joined_levels(found: list) -> dict[str, np.ndarray]:
    results = [result for result, _ in found]
    out = {name: np.concatenate([r[name] for r in results], -1) for name in (*BY_LEVEL, "energy")}
    if "maps" in results[0]:
        out["maps"] = results[0]["maps"]
    if "ranks" in results[0]:
        volume = np.stack([weight for _, weight in found])  # (piece, region)
        total = np.where(volume.sum(0) > 0, volume.sum(0), 1.0)
        ranks = np.stack([r["ranks"] for r in results])
        out["ranks"] = (ranks * (volume / total)[:, None, :, None]).sum(0)
    return out


@functools.partial(jax.jit, static_argnames="bins")
def _events(members, truth, threshold, weights, bins: int):
    members, truth = (jnp.where(weights[0] > 0, x - threshold, 0) for x in (members, truth))
    several = members.shape[0] > 1
    total = weights.sum((-2, -1))
    share = weights / jnp.where(total > 0, total, 1)[:, None, None]

    def mean(field):
        return jnp.einsum("lyx,ryx->lr", field, share, precision="highest")

    outcome = (truth > 0).astype(members.dtype)
    probability = (members > 0).mean(0, dtype=members.dtype)
    sums = jax.vmap(lambda p, o: reliability_sums(p, o, weights[0], bins))(probability, outcome)
    return mean(brier_score(members, truth, 0.0, fair=several)), mean(outcome), sums


def events(members, truth, threshold, weights, bins: int = 10) -> dict[str, np.ndarray]:
    """Of one event, "above the threshold", at the uppermost level.

    Args:
      members: (member, lead, ny, nx); truth: (lead, ny, nx).
      threshold: (lead, ny, nx), or a number for fields of probability.
      weights: (region, ny, nx).

    Returns "brier" and "rate" (lead, region), and "reliability" (lead, 3, bins): sums of 1, of the probability and of
    the outcome by bin of the probability in the first region.
    """
    number, leads = members.shape[:2]
    step = int(np.clip(_BLOCK // (4 * np.prod((number, *members.shape[2:]))), 1, leads))
    threshold = np.broadcast_to(threshold, truth.shape)
    found = []
    for k in range(0, leads, step):
        part = slice(k, k + step)
        found.append(_events(members[:, part], truth[part], threshold[part], weights, bins))
    brier, rate, sums = (np.concatenate([np.asarray(x) for x in parts]) for parts in zip(*found, strict=True))
    return {"brier": brier, "rate": rate, "reliability": sums}
