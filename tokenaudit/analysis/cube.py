"""The one heavy query: usage rows to priced sums.

Tokens are added up as integers first and priced last, so that totals depend neither on grouping nor on row order, and
pricing works on thousands of rows instead of millions. All other analysis works on the cube.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.analysis import overlap, times
from tokenaudit.analysis.billing import with_bills_spread
from tokenaudit.analysis.idle import idle_columns
from tokenaudit.analysis.measures import known_sum
from tokenaudit.analysis.sight import MAPPED, UNMAPPED, Sight, shown
from tokenaudit.analysis.where import PRICED_DIMENSIONS, charge_filter, dimension, usage_filter
from tokenaudit.charges import ROW_DIMENSIONS, Quoted, charge, quoted, with_offers, with_row_dimensions
from tokenaudit.conditions import Condition, is_tag
from tokenaudit.errors import QueryError, did_you_mean
from tokenaudit.schema import COUNTS, DIMENSIONS, MONEY, NAMES, ORG_DIMENSIONS, TIME_DIMENSIONS

if TYPE_CHECKING:
    from tokenaudit.analysis.lens import Lens
    from tokenaudit.analysis.overlap import Joined
    from tokenaudit.prices.book import PriceBook

DETAILS = ("billing_currency", "cost_basis", "granularity", "unpriced_model")
"""What a cube is always split by, besides the dimensions asked for; where cost is shared also by `allocation`."""

USAGE_SUMS = (*COUNTS, "estimated_output_tokens")
SUMS = (*USAGE_SUMS, "unpriced_requests", "unpriced_tokens", "joined_tokens")
"""Integer columns of a cube."""

FREE = frozenset(("provider", "model", "request_model", "cost_basis", "granularity"))
"""Dimensions that a cube may have for nothing: rows are split by what prices depend on anyway."""

LARGE = 500_000
"""Rows from which it pays to look for columns that hold nothing."""


class Counted(NamedTuple):
    """A cube, and how it was decided which of several files counts for a call; None where they do not overlap."""

    cube: pl.DataFrame
    joined: Joined | None = None


def cube(
    usage: pl.LazyFrame,
    by: Sequence[str],
    book: PriceBook,
    *,
    timezone: str = "UTC",
    conditions: Sequence[Condition] = (),
    expected_rows: int = LARGE,
    sight: Sight = UNMAPPED,
) -> pl.DataFrame:
    """Return the priced sums of `usage` for each combination of the dimensions `by` and `DETAILS`.

    `usage` holds usage rows of the time asked for. `expected_rows` tells about how many there are: for few it is
    quicker to sum columns that hold nothing than to find them. Times in `by` are read in `timezone` and come back as
    ISO 8601 text. `sight` says who is who, and shares cost out.

    Columns: `by` (after `allocation` also `allocated_ratio`), `DETAILS` (``unpriced_model`` is the `request_model` of
    rows without a price), `SUMS` (Int64), money (Decimal(38, 18), in `billing_currency`, null where no part is known)
    and `data_to`, the instant up to which the rows reach. Raises QueryError for an unknown dimension.
    """
    return cubes(usage, [by], book, timezone=timezone, conditions=conditions, expected_rows=expected_rows, sight=sight)[
        0
    ]


def cubes(  # noqa: PLR0913 - what a report asks for
    usage: pl.LazyFrame,
    groups: Sequence[Sequence[str]],
    book: PriceBook,
    *,
    timezone: str = "UTC",
    conditions: Sequence[Condition] = (),
    expected_rows: int = LARGE,
    sight: Sight = UNMAPPED,
    extra: Sequence[pl.Expr] = (),
) -> list[pl.DataFrame]:
    """Return one cube for each of some `groups` of dimensions, all from one scan of `usage`.

    As `cube`. `extra` are named expressions on usage rows that every cube is split by too.
    """
    named = [dimensions(by) for by in groups]
    whole = _mapping(sight, unlike(chain(*named), _columns(conditions)), timezone)
    late = [item for item in conditions if item.column in PRICED_DIMENSIONS or (whole and whole.waits(item.column))]
    early = [condition for condition in conditions if condition not in late]
    chosen = usage.filter(usage_filter(early))
    idle = idle_columns(chosen) if expected_rows >= LARGE else {}
    found = quoted(chosen, book)
    lenses = [_mapping(sight, unlike(names, _columns(conditions)), timezone) for names in named]
    frames = []
    for names, seen in zip(named, lenses, strict=True):
        keys = [*_keys(unlike(names, _columns(late)), timezone, seen, chosen), *extra]
        sums = _sums(chosen, found, keys, idle)
        frames.append(sums if seen else _priced(sums, book, names, None, late, extra))
    collected = zip(pl.collect_all(frames, engine="streaming"), named, lenses, strict=True)
    return [
        _priced(_as_people(frame, seen).lazy(), book, names, seen, late, extra).collect(engine="streaming")
        if seen
        else frame
        for frame, names, seen in collected
    ]


def _mapping(sight: Sight, wanted: Sequence[str], timezone: str) -> Lens | None:
    """Return how a question sees usage; None where nothing that is asked for depends on an org map."""
    seen = _lens(sight, wanted, timezone, ties=False)
    return seen if seen is not None and seen.maps else None


def _priced(
    sums: pl.LazyFrame,
    book: PriceBook,
    names: Sequence[str],
    seen: Lens | None,
    late: Sequence[Condition],
    extra: Sequence[pl.Expr],
) -> pl.LazyFrame:
    """Return the cube of sums, in which people are known already."""
    charges = charge(sums, book).with_columns(joined_tokens=pl.lit(0, pl.Int64))
    if seen is not None and seen.assigns:
        charges = seen.assigned(charges.collect(engine="streaming")).lazy()
    return _detailed(charges.filter(charge_filter(late)), names, seen, extra)


def joined_cube(  # noqa: PLR0913 - what a report asks for
    usage: pl.LazyFrame,
    by: Sequence[str],
    book: PriceBook,
    overlapping: overlap.Overlap,
    *,
    timezone: str = "UTC",
    conditions: Sequence[Condition] = (),
    inside: pl.Expr | None = None,
    sight: Sight = UNMAPPED,
    extra: Sequence[pl.Expr] = (),
) -> Counted:
    """Return the cube of usage in which several sources tell of the same calls, each call counted once.

    As `cube`, but `usage` holds all rows of the UTC days that the time asked for touches; `inside` says which are asked
    for. Conditions choose among the rows after their bills are spread over them. Names of one person are tied as one.
    """
    names = dimensions(by)
    wanted = unlike(names, _columns(conditions))
    within = pl.lit(value=True) if inside is None else inside
    seen = _lens(sight, wanted, timezone, ties=True)
    keys = [*_keys(wanted, timezone, seen, usage), *overlap.keys(overlapping), within.alias("inside"), *extra]
    cells = _sums(usage, quoted(usage, book), keys, {}).collect(engine="streaming")
    once, joined = overlap.without_repeats(_as_people(cells, seen) if seen else cells, overlapping)
    charges, told = with_bills_spread(charge(once.lazy(), book).collect(), overlapping, joined)
    asked = charges.filter("inside").drop("cell", *overlap.KEYS)
    asked = seen.assigned(asked) if seen else asked
    return Counted(_detailed(asked.lazy().filter(charge_filter(conditions)), names, seen, extra).collect(), told)


def _lens(sight: Sight, wanted: Sequence[str], timezone: str, *, ties: bool) -> Lens | None:
    """Return how a question sees usage; None where there is no org map and nothing of one is asked for."""
    if sight.org is None and set(wanted).isdisjoint(ORG_DIMENSIONS):
        return None
    from tokenaudit.analysis.lens import Lens
    from tokenaudit.org.map import tables
    from tokenaudit.org.records import Entries

    return Lens(sight.org or tables(Entries()), frozenset(wanted), timezone, sight.span, ties=ties)


def _as_people(cells: pl.DataFrame, seen: Lens) -> pl.DataFrame:
    """Put people in the place of names in cells, and add up those that are alike then."""
    mapped = seen.identified(cells)
    if seen.ties:
        tied = pl.when(pl.col("tie_day").is_not_null()).then(pl.col("user").cast(pl.String))
        mapped = mapped.with_columns(tied.alias("tie_user"))
    known = mapped.drop(seen.spent(mapped.columns))
    given = ("billed_cost", "list_cost")
    keys = [name for name in known.columns if name not in (*USAGE_SUMS, *given, "last_start")]
    return known.group_by(keys).agg(pl.col(USAGE_SUMS).sum(), *map(known_sum, given), pl.col("last_start").max())


def _columns(conditions: Sequence[Condition]) -> list[str]:
    """Return the columns of usage rows that conditions look at."""
    return [condition.column for condition in conditions]


def dimensions(by: Iterable[str]) -> tuple[str, ...]:
    """Return the dimensions `by` without repetitions; raise QueryError for one that is unknown."""
    known = (*DIMENSIONS, *TIME_DIMENSIONS)
    for name in by:
        if name not in known and not is_tag(name):
            raise QueryError(f"unknown dimension `{name}`", did_you_mean(name, known) or f"one of: {', '.join(known)}")
    return tuple(dict.fromkeys(by))


def unlike(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return `names` and then those of `others` that are not among them."""
    return list(dict.fromkeys((*names, *others)))


def _keys(names: Sequence[str], timezone: str, seen: Lens | None, usage: pl.LazyFrame) -> list[pl.Expr]:
    stored = (name for name in names if name in NAMES and not (seen and name in MAPPED))
    tags = ("tags",) if any(map(is_tag, names)) else ()
    columns = unlike((*stored, *tags), (*ROW_DIMENSIONS, "granularity"))
    return [*map(pl.col, columns), *times.units(names, timezone), *(seen.grouping(usage) if seen else ())]


def _sums(usage: pl.LazyFrame, found: Quoted, keys: list[pl.Expr], idle: dict[str, pl.Expr]) -> pl.LazyFrame:
    rows = with_row_dimensions(usage.with_columns(**idle), found)
    counts = [pl.col(name).sum() for name in USAGE_SUMS if name not in idle]
    given = [known_sum(name) for name in ("billed_cost", "list_cost") if name not in idle]
    last = pl.col("charge_period_start").max().alias("last_start")
    return with_offers(rows.group_by(keys).agg(*counts, *given, last).with_columns(**idle), found)


def _detailed(
    charges: pl.LazyFrame, names: Sequence[str], seen: Lens | None, extra: Sequence[pl.Expr] = ()
) -> pl.LazyFrame:
    shared = ("allocation",) if seen and seen.splits else ()
    details = (*DETAILS, *shared, *(column.meta.output_name() for column in extra))
    tags = map(dimension, filter(is_tag, names))
    unpriced = pl.when(pl.col("cost_basis") == "unpriced").then("request_model")
    data_to = times.bucket_end(pl.col("last_start"))
    labelled = charges.with_columns(*times.labels(names), *tags, unpriced.alias("unpriced_model"), data_to=data_to)
    money = [known_sum(column) for column in MONEY]
    return labelled.group_by(unlike(shown(names), details)).agg(pl.col(SUMS).sum(), *money, pl.col("data_to").max())
