"""The one heavy query: usage rows to priced sums.

Tokens are added up as integers first and priced last, so that totals depend neither on grouping nor on row order, and
pricing works on thousands of rows instead of millions. All other analysis works on the cube.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
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

DETAILS = ("billing_currency", "cost_basis", "granularity", "unpriced_model", "unpriced_reason", "tier_unknown")
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
    rows without a price, ``unpriced_reason`` why, ``tier_unknown`` whether rows are sums of requests that may be in a
    long context), `SUMS` (Int64), money (Decimal(38, 18), in `billing_currency`, null where no part is known),
    `dearest_cost`, what rows of unknown tier would cost at most, and `data_to`, the instant up to which the rows reach.
    Raises QueryError for an unknown dimension.
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
    named, looked_at = [dimensions(by) for by in groups], columns_of(conditions)
    whole = _mapping(sight, unlike(chain(*named), looked_at), timezone)
    late = [item for item in conditions if item.column in PRICED_DIMENSIONS or (whole and whole.waits(item.column))]
    early = [condition for condition in conditions if condition not in late]
    chosen = usage.filter(usage_filter(early))
    idle = idle_columns(chosen) if expected_rows >= LARGE else {}
    found = quoted(chosen, book)
    lenses = [_mapping(sight, unlike(names, looked_at), timezone) for names in named]
    frames = []
    for names, seen in zip(named, lenses, strict=True):
        keys = [*group_keys(unlike(names, columns_of(late)), timezone, seen, chosen), *extra]
        added = _sums(chosen, found, keys, idle)
        # pricing asks twice for sums of which some are of an unknown context tier
        frames.append(added if seen or found.summed else _priced(added, book, names, late, extra))
    collected = zip(pl.collect_all(frames, engine="streaming"), named, lenses, strict=True)
    return [
        _priced(as_people(frame, seen) if seen else frame, book, names, late, extra, seen).collect(engine="streaming")
        if seen or found.summed
        else frame
        for frame, names, seen in collected
    ]


def _mapping(sight: Sight, wanted: Sequence[str], timezone: str) -> Lens | None:
    """Return how a question sees usage; None where nothing that is asked for depends on an org map."""
    seen = lens(sight, wanted, timezone, ties=False)
    return seen if seen is not None and seen.maps else None


def _priced(
    added: pl.LazyFrame | pl.DataFrame,
    book: PriceBook,
    names: Sequence[str],
    late: Sequence[Condition],
    extra: Sequence[pl.Expr],
    seen: Lens | None = None,
) -> pl.LazyFrame:
    """Return the cube of sums, in which people are known already."""
    charges = charge(added.lazy(), book).with_columns(joined_tokens=pl.lit(0, pl.Int64))
    if seen is not None and seen.assigns:
        charges = seen.assigned(charges.collect(engine="streaming")).lazy()
    return detailed(charges.filter(charge_filter(late)), shown(names), seen=seen, extra=extra)


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
    for. Conditions choose among the rows after their bills are spread over them, and what is told of the decisions.
    Names of one person are tied as one.
    """
    names = dimensions(by)
    wanted = unlike(names, columns_of(conditions))
    within = pl.lit(value=True) if inside is None else inside
    seen = lens(sight, wanted, timezone, ties=True)
    keys = [*group_keys(wanted, timezone, seen, usage), *overlap.keys(overlapping), within.alias("inside"), *extra]
    cells = _sums(usage, quoted(usage, book), keys, {}).collect(engine="streaming")
    charges, told = settled(as_people(cells, seen) if seen else cells, book, overlapping, conditions)
    asked = charges.filter("inside").drop("cell", *overlap.KEYS)
    asked = seen.assigned(asked) if seen else asked
    final = asked.lazy().filter(charge_filter(conditions))
    return Counted(detailed(final, shown(names), seen=seen, extra=extra).collect(), told)


def lens(sight: Sight, wanted: Sequence[str], timezone: str, *, ties: bool) -> Lens | None:
    """Return how a question sees usage; None where there is no org map and nothing of one is asked for."""
    if sight.org is None and set(wanted).isdisjoint(ORG_DIMENSIONS):
        return None
    from tokenaudit.analysis.lens import Lens
    from tokenaudit.org.map import tables
    from tokenaudit.org.records import Entries

    return Lens(sight.org or tables(Entries()), frozenset(wanted), timezone, sight.span, ties=ties)


def as_people(cells: pl.DataFrame, seen: Lens) -> pl.DataFrame:
    """Put people in the place of names in cells, and add up those that are alike then."""
    mapped = seen.identified(cells)
    if seen.ties:
        tied = pl.when(pl.col("tie_day").is_not_null()).then(pl.col("user").cast(pl.String))
        mapped = mapped.with_columns(tied.alias("tie_user"))
    known = mapped.drop(seen.spent(mapped.columns))
    given = ("billed_cost", "list_cost")
    keys = [name for name in known.columns if name not in (*USAGE_SUMS, *given, "last_start")]
    return known.group_by(keys).agg(pl.col(USAGE_SUMS).sum(), *map(known_sum, given), pl.col("last_start").max())


def settled(
    cells: pl.DataFrame,
    book: PriceBook,
    overlapping: overlap.Overlap,
    conditions: Sequence[Condition],
    *,
    keep: Collection[str] = (),
) -> tuple[pl.DataFrame, Joined]:
    """Return sums that hold the keys of `overlap` and `inside` as charges, each call once, and what was decided.

    Of what was decided only that of sums which fit `conditions` is told, as far as sums can tell: they know
    neither teams nor how they will be paid for. `keep` is that of `charge`.
    """
    once, joined = overlap.without_repeats(marked(cells, conditions), overlapping)
    return with_bills_spread(charge(once.lazy(), book, keep=keep).collect(), overlapping, joined)


def marked(cells: pl.DataFrame, conditions: Sequence[Condition]) -> pl.DataFrame:
    """Add `shown` to sums with `inside`: those that fit conditions, as far as they can tell before they are priced."""
    told = {name for name in cells.columns if name != "cost_basis"}
    known = charge_filter(item for item in conditions if ("tags" if is_tag(item.column) else item.column) in told)
    return cells.with_columns(shown=pl.col("inside") & known)


def columns_of(conditions: Sequence[Condition]) -> list[str]:
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


def group_keys(
    names: Sequence[str], timezone: str, seen: Lens | None = None, usage: pl.LazyFrame | None = None
) -> list[pl.Expr]:
    """Return what usage rows are added up by: dimensions, what their price depends on, and what `seen` looks at.

    With `seen` goes the `usage` whose rows they are.
    """
    stored = (name for name in names if name in NAMES and not (seen and name in MAPPED))
    tags = ("tags",) if any(map(is_tag, names)) else ()
    columns = unlike((*stored, *tags), (*ROW_DIMENSIONS, "granularity"))
    looked_at = () if seen is None or usage is None else seen.grouping(usage)
    return [*map(pl.col, columns), *times.units(names, timezone), *looked_at]


def _sums(usage: pl.LazyFrame, found: Quoted, keys: list[pl.Expr], idle: dict[str, pl.Expr]) -> pl.LazyFrame:
    return with_offers(sums(usage, found, keys, idle), found)


def sums(usage: pl.LazyFrame, found: Quoted, keys: list[pl.Expr], idle: dict[str, pl.Expr]) -> pl.LazyFrame:
    """Return the sums of usage rows by `keys`, before their offers are looked up; `idle` columns hold nothing."""
    rows = with_row_dimensions(usage.with_columns(**idle), found)
    counts = [pl.col(name).sum() for name in USAGE_SUMS if name not in idle]
    given = [known_sum(name) for name in ("billed_cost", "list_cost") if name not in idle]
    last = pl.col("charge_period_start").max().alias("last_start")
    return rows.group_by(keys).agg(*counts, *given, last).with_columns(**idle)


def detailed(
    charges: pl.LazyFrame,
    names: Sequence[str],
    amounts: Sequence[str] = MONEY,
    *,
    seen: Lens | None = None,
    extra: Sequence[pl.Expr] = (),
) -> pl.LazyFrame:
    """Return the cube of charges, by `names`, DETAILS and what is in `extra`, with the sums of the money `amounts`."""
    shared = ("allocation",) if seen and seen.splits else ()
    details = (*DETAILS, *shared, *(column.meta.output_name() for column in extra))
    unpriced = pl.when(pl.col("cost_basis") == "unpriced")
    unknown = pl.col("dearest_cost").is_not_null() & (pl.col("cost_basis") != "billed")
    data_to = times.bucket_end(pl.col("last_start"))
    tags = map(dimension, filter(is_tag, names))
    labelled = charges.with_columns(*times.labels(names), *tags, data_to=data_to).with_columns(
        unpriced.then("request_model").alias("unpriced_model"),
        unpriced.then("unpriced_reason").alias("unpriced_reason"),
        unknown.alias("tier_unknown"),
        pl.when(unknown).then("dearest_cost").alias("dearest_cost"),
    )
    money = [known_sum(column) for column in (*amounts, "dearest_cost")]
    return labelled.group_by(unlike(names, details)).agg(pl.col(SUMS).sum(), *money, pl.col("data_to").max())
