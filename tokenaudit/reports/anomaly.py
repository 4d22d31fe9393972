"""One anomaly of a store, as machines get it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import polars as pl

MONEY = pl.Decimal(38, 18)
COLUMNS: dict[str, pl.DataType] = {
    "dimension": pl.String(),
    "key": pl.String(),
    "billing_currency": pl.String(),
    "date": pl.String(),
    "kind": pl.String(),
    "score": MONEY,
    "days": pl.Int64(),
    "actual": MONEY,
    "expected": MONEY,
    "low": MONEY,
    "high": MONEY,
    "excess": MONEY,
    "first": pl.String(),
    "going": pl.Boolean(),
    "because": pl.String(),
    "by_user": pl.String(),
    "by_model": pl.String(),
    "by_project": pl.String(),
    "erratic": pl.Boolean(),
}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One flag, in words and money."""

    dimension: str
    key: str | None
    billing_currency: str
    date: str
    kind: str
    score: float
    days: int
    actual: float
    expected: float
    low: float
    high: float
    first: str
    going: bool
    because: str | None = None
    by_user: str | None = None
    by_model: str | None = None
    by_project: str | None = None
    erratic: bool = False

    @property
    def excess(self) -> float:
        """Return what was spent beyond what was expected; of a drop, what was not."""
        return self.actual - self.expected

    @property
    def by_any(self) -> bool:
        """Say whether this is about a key, and not about the total."""
        return self.dimension != "total"

    @property
    def name(self) -> str:
        """Return what tells this anomaly from others, whatever its day."""
        return "|".join((self.billing_currency, self.dimension, self.key or "", self.kind))

    def row(self) -> list[object]:
        """Return the values of `COLUMNS`."""
        return [_cell(getattr(self, name), dtype) for name, dtype in COLUMNS.items()]


def _cell(value: object, dtype: pl.DataType) -> object:
    return Decimal(str(round(value, 4))) if dtype == MONEY and isinstance(value, float) else value
