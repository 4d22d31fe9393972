"""The store from Python: usage and charges of a period as polars LazyFrames."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tokenaudit import config as configuration
from tokenaudit.analysis.where import in_period
from tokenaudit.charges import charge, with_price_dimensions
from tokenaudit.periods import Period, parse_period, today
from tokenaudit.prices.book import load_book
from tokenaudit.reports.owners import attributed
from tokenaudit.reports.question import Question, as_people, ask, declared
from tokenaudit.sources import declare
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    import polars as pl


class OpenStore:
    """An open store. A context manager; or call `close`."""

    def __init__(self, store: Store, config: configuration.Config, timezone: str, as_of: date) -> None:
        """Wrap an open store; see `tokenaudit.open_store`."""
        self._store = store
        self._config = config
        self.timezone = timezone
        self.as_of = as_of

    @classmethod
    def open(
        cls,
        path: str | Path | None = None,
        *,
        config: str | Path | None = None,
        timezone: str | None = None,
        as_of: date | None = None,
    ) -> Self:
        """Open a store, see `tokenaudit.open_store`."""
        found = configuration.load(Path(config) if config else None, os.environ, Path.cwd())
        declare(found.sources, found.path)
        folder = configuration.store_path(Path(path) if path else None, os.environ, found)
        zone = timezone or found.timezone
        return cls(Store.open(folder), found, zone, as_of or today(zone))

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the catalog; frames already collected stay valid."""
        self._store.close()

    def period(self, text: str) -> Period:
        """Read a period such as ``2026-10``, ``last-month`` or ``all``. Raises PeriodError."""
        return parse_period(text, self.as_of, self.timezone)

    def usage(self, period: str = "all") -> pl.LazyFrame:
        """Return the usage rows of a period: the columns of `tokenaudit.schema.USAGE`, each billable thing once."""
        span = self.period(period)
        usage = attributed(self._store, self._store.usage(span.start, span.end))
        return in_period(as_people(declared(usage, self._config), self._config, span), span).inside

    def charges(self, period: str = "all") -> pl.LazyFrame:
        """Return the usage rows of a period with `model`, `cost_basis` and money added.

        Money is Decimal(38, 18) in `billing_currency`: `list_cost`, `contracted_cost`, `billed_cost`,
        `effective_cost`, `estimated_cost`. Where a provider's usage export and cost export cover the same days both
        stand here with their own amounts: `spend` adds them up once.
        """
        book = load_book()
        return charge(with_price_dimensions(self.usage(period), book), book)

    def spend(self, by: Sequence[str] = ("user", "model", "project"), period: str = "all") -> pl.DataFrame:
        """Return tokens and money of a period by some dimensions, as `tokenaudit report` counts them."""
        from tokenaudit.analysis.breakdown import breakdown

        declare(self._config.sources, self._config.path)
        answer = ask(self._store, Question(self.period(period), tuple(by), config=self._config))
        return breakdown(answer.cube, tuple(by)).rows
