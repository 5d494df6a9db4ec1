"""Synthetic truths and forecasts whose scores are known: a red noise at each point, and members drawn from its future.

With x(t + 1) = r x(t) + sqrt(1 - r^2) noise the state n days after x0 has the mean r^n x0 and the variance 1 - r^2n:
members drawn from that are a perfect ensemble, and r^n is the damping of anomalies.
"""

import numpy as np
import xarray as xr

R = 0.9
LEADS = (1, 2, 3, 5)
NZ, NY, NX = 2, 8, 10
UNITS = {"thetao": "degC", "zos": "m"}
PLACES = {"thetao": ("lev", "y", "x"), "zos": ("y", "x")}


def wet():
    """(nz, ny, nx): an island, and a deep level that is smaller than the surface."""
    mask = np.ones((NZ, NY, NX), bool)
    mask[:, 5, 6] = False
    mask[1, :, 0] = False
    return mask


def coordinates():
    x, y = 1e5 * (np.arange(NX) + 0.5), 1e5 * (np.arange(NY) + 0.5)
    return {
        "x": ("x", x, {"units": "m", "axis": "X"}),
        "y": ("y", y, {"units": "m", "axis": "Y"}),
        "lev": ("lev", [50.0, 300.0], {"units": "m", "positive": "down", "axis": "Z", "bounds": "lev_bnds"}),
        "lev_bnds": (("lev", "bnds"), [[0.0, 100.0], [100.0, 500.0]]),
    }


def _mask(name):
    return wet() if name == "thetao" else wet()[0]


def truth(days=500, seed=0, mean=10.0):
    """Daily red noise around `mean`, variance 1."""
    random, fields = np.random.default_rng(seed), {}
    for name, dims in PLACES.items():
        shape = _mask(name).shape
        x = np.empty((days, *shape))
        x[0] = random.normal(size=shape)
        for n in range(1, days):
            x[n] = R * x[n - 1] + (1 - R * R) ** 0.5 * random.normal(size=shape)
        values = np.where(_mask(name), mean + x, np.nan).astype("f4")
        fields[name] = (("time", *dims), values, {"units": UNITS[name]})
    time = xr.date_range("0001-01-01", periods=days, calendar="360_day", use_cftime=True)
    return xr.Dataset(fields, {"time": time, **coordinates()})


def forecasts(of, starts, members=8, leads=LEADS, seed=1, *, spread=1.0, bias=0.0, mean=10.0):
    """Members around the exact mean of the future of each start; `spread` scales their departures, `bias` is added."""
    random, fields = np.random.default_rng(seed), {}
    decay = R ** np.array(leads, float)
    for name, dims in PLACES.items():
        x0 = of[name].values[np.asarray(starts)] - mean
        shape = (len(starts), members, len(leads), *x0.shape[1:])
        columns = (-1,) + (1,) * (x0.ndim - 1)
        noise = spread * ((1 - decay**2) ** 0.5).reshape(columns) * random.normal(size=shape)
        values = mean + bias + decay.reshape(columns) * x0[:, None, None] + noise
        fields[name] = (("init_time", "member", "lead", *dims), values.astype("f4"), {"units": UNITS[name]})
    lead = ("lead", np.array(leads, float), {"units": "days"})
    axes = {"init_time": of.time.values[np.asarray(starts)], "member": np.arange(members), "lead": lead}
    return xr.Dataset(fields, {**axes, **coordinates()}, {"Conventions": "CF-1.10"})
