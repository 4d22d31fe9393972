"""What the two files of DeepSeek's export have in common: whose they are, and which day or hour a row is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Kind

if TYPE_CHECKING:
    import polars as pl

COLUMNS: dict[str, Kind] = dict.fromkeys(("user_id", "utc_date", "start_time_iso", "end_time_iso", "model"), "text")
COMPACT = r"^(\d{4})(\d\d)(\d\d)$"
IDENTITY = ("account", "day")


def bucket() -> dict[str, pl.Expr]:
    """Return account, period, `day` and, where there is no period, `reject`.

    A row of a day has the date that DeepSeek gives it, whatever the offset of its zone; a row of an hour its instants.
    """
    import polars as pl

    from tokenaudit.sources import expressions

    begin = pl.coalesce("start_time_iso", "utc_date").str.replace(COMPACT, "$1-$2-$3")
    start = expressions.instant(begin)
    end = pl.coalesce(expressions.instant(pl.col("end_time_iso")), start + pl.duration(days=1))
    day = pl.coalesce(expressions.instant(begin.str.head(10)), start.dt.truncate("1d"))
    whole = end - start >= pl.duration(days=1)
    first = pl.when(whole).then(day).otherwise(start)
    return {
        "account": pl.col("user_id"),
        "day": day.dt.strftime("%Y-%m-%d"),
        "charge_period_start": first,
        "charge_period_end": first + (end - start),
        "granularity": expressions.granularity(start, end),
        "reject": expressions.first_reason({"no date": start.is_null(), "end before start": end <= start}),
    }
