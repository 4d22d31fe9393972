"""Other people's forecasts, to stand beside ours in a backtest: they need ``pip install tokenaudit[bench]``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from tokenaudit.errors import QueryError
from tokenaudit.forecast.panel import WEEK, Floats

Rival: TypeAlias = Callable[[Floats, int], Floats]
"""From one series to its next so many days."""

MODELS = {"autoets": "AutoETS", "autotheta": "AutoTheta"}
"""Names of the rivals, and what statsforecast calls them."""


def rival(name: str) -> Rival:
    """Return a rival. QueryError where the library that has it is not installed."""
    try:
        from statsforecast import models
    except ImportError as error:
        hint = "pip install 'tokenaudit[bench]', or leave --against out"
        raise QueryError("statsforecast is not installed", hint) from error
    kind = getattr(models, MODELS[name])

    def forecast(values: Floats, days: int) -> Floats:
        path: Floats = kind(season_length=WEEK).forecast(y=np.ascontiguousarray(values), h=days)["mean"]
        return np.maximum(np.nan_to_num(path), 0.0)

    return forecast
