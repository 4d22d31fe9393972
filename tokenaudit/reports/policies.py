"""Policies: is the data good enough to judge by, and does the spend have names?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from tokenaudit.analysis.where import DATED
from tokenaudit.render.numbers import percent, plural
from tokenaudit.reports.quality import share

if TYPE_CHECKING:
    from tokenaudit.budgets.cases import Day
    from tokenaudit.budgets.declarations import Policy
    from tokenaudit.reports.judging import Judged
    from tokenaudit.store.store import Store

MICROSECOND = timedelta(microseconds=1)


class Verdict(NamedTuple):
    """What became of a policy: `verdict` is ok, warn, over (spend) or unjudged (data that is not good enough)."""

    policy: str
    value: Decimal | int | None
    limit: Decimal | int | None
    verdict: str
    text: str


def verdicts(policies: Mapping[str, Policy], judged: Judged, store: Store, day: Day) -> Iterator[Verdict]:
    """Yield what became of each policy that is not off."""
    newest = newest_day(judged, store, day)
    age = None if newest is None else max(0, (day.as_of - newest).days)
    yield _no_data(judged, day, policies["stale"])
    if day.period is None and policies["stale"].level != "off":
        yield _stale(age, newest, policies["stale"], day)
    if policies["unpriced"].level != "off":
        found = _unpriced(judged)
        yield _verdict("unpriced", found, policies["unpriced"], f"{_share(found)} of the tokens have no price")
    if policies["rejected"].level != "off":
        found = _rejected(store)
        yield _verdict("rejected", found, policies["rejected"], f"{_share(found)} of all lines could not be read")
    if policies["unattributed"].level != "off":
        policy = policies["unattributed"]
        found = _unattributed(judged, policy.by)
        yield _verdict("unattributed", found, policy, f"{_share(found)} of the spend has no {policy.by}", failed="over")


def newest_day(judged: Judged, store: Store, day: Day) -> date | None:
    """Return the last day that rows reach into, up to the day that counts as today."""
    found = _last_day(judged.spending.cube.lazy(), pl.col("data_to"), day)
    if found is None:
        ends = pl.max_horizontal("charge_period_start", "charge_period_end")
        rows = store.usage().filter(pl.col("charge_period_start") < day.so_far.end)
        found = _last_day(rows, ends, day)
    return None if found is None else min(found, day.as_of)


def _last_day(rows: pl.LazyFrame, reach: pl.Expr, day: Day) -> date | None:
    """Return the last day of some rows: of buckets in UTC, of events in the time zone."""
    dated = pl.col("granularity").is_in(DATED)
    ends = rows.select(dated=reach.filter(dated).max() - MICROSECOND, events=reach.filter(~dated).max())
    bucket, event = ends.collect(engine="streaming").row(0)
    zone = UTC if day.zone == "UTC" else ZoneInfo(day.zone)
    days = [bucket.astimezone(UTC).date() if bucket else None, event.astimezone(zone).date() if event else None]
    return max((found for found in days if found), default=None)


def _no_data(judged: Judged, day: Day, stale: Policy) -> Verdict:
    """Tell how many windows hold no row at all, though they began long enough ago."""
    sums = judged.spending.totals()
    held = (
        set(sums.filter((pl.col("requests") != 0) | (pl.col("tokens") != 0) | _money())["window"])
        if sums.height
        else set()
    )
    places = judged.windows or judged.policy_windows
    patience = int(stale.limit)
    began = [judged.spending.windows[place] for place in places if place not in held]
    empty = [item for item in began if day.period or (day.as_of - item.first).days >= patience]
    names = f" in {empty[0].name}" if empty else ""
    several = f" and {plural(len(empty) - 1, 'other window')}" if len(empty) > 1 else ""
    text = f"nothing is stored{names}{several}" if empty else "all windows hold data"
    return Verdict("no_data", len(empty), 0, "unjudged" if empty else "ok", text)


def _money() -> pl.Expr:
    return pl.col("effective_cost").is_not_null()


def _stale(age: int | None, newest: date | None, policy: Policy, day: Day) -> Verdict:
    ago = f"{plural(age, 'day')} before {day.as_of}" if age is not None else ""
    text = f"the newest row is of {newest}, {ago}" if newest else "the store is empty"
    bad = age is None or age > policy.limit
    return Verdict("stale", age, policy.limit, _word(policy, "unjudged") if bad else "ok", text)


def _verdict(name: str, value: Decimal | None, policy: Policy, text: str, failed: str = "unjudged") -> Verdict:
    bad = value is not None and value > policy.limit
    return Verdict(name, value, policy.limit, _word(policy, failed) if bad else "ok", text)


def _word(policy: Policy, failed: str) -> str:
    return "warn" if policy.level == "warn" else failed


def _share(value: Decimal | None) -> str:
    return "none" if value is None else percent(value)


def _unpriced(judged: Judged) -> Decimal | None:
    """Return the largest share of tokens without a price in any window of a month or longer."""
    sums = _of(judged, judged.spending.totals()).group_by("window").agg(pl.col("tokens", "unpriced_tokens").sum())
    return _largest(share(part, whole) for part, whole in sums.select("unpriced_tokens", "tokens").iter_rows())


def _unattributed(judged: Judged, by: str) -> Decimal | None:
    """Return the largest share of the spend of a window and currency that has no value of a dimension."""
    cost = pl.col("effective_cost")
    sums = _of(judged, judged.spending.totals(by)).group_by("window", "billing_currency")
    found = sums.agg(nobody=cost.filter(pl.col(by).is_null()).sum(), all=cost.sum())
    return _largest(part / whole if whole else None for part, whole in found.select("nobody", "all").iter_rows())


def _of(judged: Judged, sums: pl.DataFrame) -> pl.DataFrame:
    return sums.filter(pl.col("window").is_in(list(judged.policy_windows)))


def _largest(found: Iterator[Decimal | None]) -> Decimal | None:
    return max((value for value in found if value is not None), default=None)


def _rejected(store: Store) -> Decimal | None:
    files = store.catalog.files().values()
    bad = sum(entry.rejected for entry in files)
    return share(bad, bad + sum(entry.rows + entry.merged for entry in files))


def failing(found: Sequence[Verdict]) -> list[Verdict]:
    """Return those that are not as they should be."""
    return [item for item in found if item.verdict != "ok"]
