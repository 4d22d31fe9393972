"""What forecasts of other people's token spend missed by: the start, until a tenant's own misses tell more.

Made by `bench/forecast_prior.py` from public histories: only counts of residuals by class, nothing of the series.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from tokenaudit.forecast.panel import Floats
from tokenaudit.forecast.residuals import SHAPE, smoothed

PATH = Path(__file__).with_name("data") / "prior.npz"
KINDS = ("people", "models")
"""Dimensions of which kind a series is a key: models are switched on and off."""
OTHER_KIND = 0.2
"""What a residual of the other kind counts."""
ANY_CLASS = 0.001
"""What a residual of any class counts, so that no class is without."""


def kind_of(dim: str) -> int:
    """Return the place in `KINDS` of a dimension."""
    return int(dim.endswith("model"))


@cache
def shipped() -> Floats:
    """Return the prior that came with this version, smoothed: kinds x `residuals.SHAPE`."""
    return ready(load(PATH))


def ready(counts: Floats) -> Floats:
    """Return counts of residuals as a prior: smoothed, mixed over kinds, and nowhere without any."""
    near = smoothed(counts)
    mixed = near + OTHER_KIND * near[::-1]
    anywhere = mixed.sum(axis=(2, 3), keepdims=True)
    result: Floats = mixed + ANY_CLASS * anywhere
    return result


def save(counts: Floats, path: Path) -> None:
    """Write the counts that are not 0, sorted by place."""
    place = np.flatnonzero(counts)
    np.savez_compressed(path, place=place.astype(np.uint32), weight=counts.ravel()[place].astype(np.float32))


def load(path: Path) -> Floats:
    """Read counts that `save` wrote: kinds x `residuals.SHAPE`."""
    counts = np.zeros((len(KINDS), *SHAPE))
    with np.load(path) as stored:
        counts.ravel()[stored["place"]] = stored["weight"]
    return counts
