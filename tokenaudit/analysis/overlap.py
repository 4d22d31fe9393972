"""One call, several files: money from the most authoritative, who and where from the finest, nothing twice.

A provider's bill, its own count of tokens, a gateway's log and a developer's log may all tell of the same calls. Which
do is decided here, at query time; stored rows stay as they are.

* Sources tell of the same calls where they share provider, account, UTC day and model, and do not name different people
  (`people`). Which account a row is of that names none, `accounts` tells.
* Routers, gateways of no provider, have workspaces, keys and callers of their own, whom no provider knows.
* The finest rows stand, those of a request before those of a day. Of coarser counts only the rest stays (`layers`).
* The bill is spread over the rows it pays for (`spread`). What it pays for without a row stays a line of its own, and
  so do rows that no bill pays for; a provider's own count on a day with a bill costs nothing beyond it.
* Logs of developers' machines do not overlap with each other, nor do bills: they are of different tools and products.
  What a provider sells in two separate businesses (`books`) is never the same; a log may be of either, but once.
  A source that says it restates another gives way to it: a log session by session, a bill day by day and item by item.
* Rows that a plan covers are on no bill; what a log tells of them is covered too (`plans`). Sources to `keep` are left
  alone.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.analysis.accounts import Bills, settled, with_accounts
from tokenaudit.analysis.layers import COUNTED, LOT, Told, absorb, reduced
from tokenaudit.analysis.measures import known_sum
from tokenaudit.analysis.plans import covered_logs, is_included
from tokenaudit.charges import PRICE_DIMENSIONS, UNITS
from tokenaudit.schema import GRANULARITIES, TOKEN_CLASSES

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

AUTHORITIES = ("bill", "usage", "gateway", "client", "none")
"""Whose word counts more, first."""
APART = ("bill", "client")
"""Sources of one of these levels do not overlap with each other."""
EXPORTS = ("bill", "usage")
"""What a provider's console gives out."""
ACCOUNT = "tie_account"
TIES = {"tie_account": "account", "tie_workspace": "workspace", "tie_user": "user", "tie_api_key": "api_key"}
ROUTERS_OWN = ("tie_workspace", "tie_api_key")
DATES = ("tie_day", "tie_end")
REPEATS = "tie_repeats"
ITEM = "tie_item"
SKU = r'"sku":"([^"]*)"'
KEYS = ("tie_source", *TIES, *DATES, ITEM, REPEATS)
"""Columns that rows which may overlap are grouped by beside everything else; null in all others."""
MONEY = pl.Decimal(38, 18)
UNIT_MARKS = pl.lit(UNITS, pl.Int8)
PAID: dict[str, PolarsDataType] = {
    "bill": pl.String,
    "source": pl.String,
    "billing_currency": pl.String,
    "tokens": pl.Int64,
    "amount": MONEY,
}
ASIDE: dict[str, PolarsDataType] = {
    "source": pl.String,
    "for_source": pl.String,
    "billing_currency": pl.String,
    "tokens": pl.Int64,
    "amount": MONEY,
}


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """What there is to decide about some usage."""

    authority: Mapping[str, str]
    """Whose word each source is, by name."""
    restates: Mapping[str, Collection[str]]
    """By source: the sources that it gives way to."""
    bills: Bills
    sessions: Mapping[tuple[str, str], pl.Series] = field(default_factory=dict)
    """By source and the one that it restates: the sessions that both hold, for logs of developers' machines."""
    keep: frozenset[str] = frozenset()
    routers: frozenset[str] = frozenset()
    """Gateways of no provider: their workspaces and keys are their own, and callers share the provider's keys."""
    books: Mapping[str, str] = field(default_factory=dict)
    """By source: which of a provider's separate businesses it is of, where it is of one."""

    def apart(self, one: str, two: str) -> bool:
        """Say whether two sources are of separate businesses of a provider."""
        return one in self.books and two in self.books and self.books[one] != self.books[two]

    def sources(self) -> list[str]:
        """Return the sources that may overlap."""
        return [name for name, word in self.authority.items() if word != "none" and name not in self.keep]

    def reports(self) -> list[str]:
        """Return the sources that know whose calls a plan covers."""
        return [name for name, word in self.authority.items() if word in ("usage", "gateway") and name not in self.keep]


class Joined(NamedTuple):
    """What was decided, for people. Sources are text, tokens Int64, amounts Decimal(38, 18)."""

    paid: pl.DataFrame
    """`bill`, `source`, `billing_currency`, `tokens`, `amount`: rows of a source that have their money from a bill."""
    aside: pl.DataFrame
    """`source`, `for_source`, `billing_currency`, `tokens`, `amount`: what was set aside because another tells it too,
    either tokens, without a currency, or the amount of a bill."""
    untied: pl.DataFrame
    """`source`, `provider`, `accounts`, `tokens`: rows that may be of several accounts and were tied to none."""


class Step(NamedTuple):
    """One source at one granularity; the finest and most authoritative come first."""

    grain: int
    word: int
    source: str


def keys(overlap: Overlap) -> list[pl.Expr]:
    """Return KEYS as expressions on usage rows."""
    planned = is_included() & ~pl.col("source").is_in(overlap.reports())
    tied = pl.col("source").is_in(overlap.sources()) & ~planned
    texts = {tie: pl.col(name).cast(pl.String) for tie, name in TIES.items()}
    routed = pl.col("source").is_in(overlap.routers)
    own = {tie: pl.when(~routed).then(texts[tie]) for tie in ROUTERS_OWN}
    named = {"tie_source": pl.col("source").cast(pl.String), **texts, **own, **_dates(*DATES), ITEM: _item()}
    repeats = _repeats(overlap).alias(REPEATS)
    return [*(pl.when(tied).then(value).alias(name) for name, value in named.items()), repeats]


def _dates(day: str, end: str) -> dict[str, pl.Expr]:
    """Return the UTC day a row begins on, and the first day after it."""
    start = pl.col("charge_period_start")
    last = pl.max_horizontal(start, pl.col("charge_period_end") - pl.duration(microseconds=1))
    return {day: start.dt.date(), end: last.dt.date() + pl.duration(days=1)}


def _item() -> pl.Expr:
    """Return what a bill's row is for, where its tags say so, in one spelling."""
    sku = pl.col("tags").cast(pl.String).str.extract(SKU)
    return sku.str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "_")


def _repeats(overlap: Overlap) -> pl.Expr:
    """Return the source whose session a row tells again, null where it does not."""
    session = pl.col("session").cast(pl.String)
    again = [
        pl.when((pl.col("source") == source) & session.is_in(sessions.implode())).then(pl.lit(other))
        for (source, other), sessions in overlap.sessions.items()
        if source not in overlap.keep
    ]
    return pl.coalesce(*again, pl.lit(None, pl.String))


def bill_days(rows: pl.LazyFrame, named: pl.DataFrame) -> Bills:
    """Return what `Overlap.bills` holds, of the rows of bills, blank ones included, and accounts named elsewhere."""
    names = pl.col("source", "provider", "account", "workspace").cast(pl.String)
    found = rows.select(names, "blank", _item().alias("item"), **_dates("day", "end")).unique().collect()
    return settled(found, named)


def without_repeats(cells: pl.DataFrame, overlap: Overlap) -> tuple[pl.DataFrame, Joined]:
    """Take out of unpriced cells what another source tells too; tie each cell to an account.

    In: sums of usage with KEYS, `provider`, `model`, `granularity`, counts and `shown` (the reader asked for it). Out:
    the cells that are left, with their numbers in `cell`, and what was decided so far about those that are shown.
    """
    texts = _numbered(cells.with_columns(pl.col(pl.Categorical).cast(pl.String)))
    numbered, untied = _with_accounts(texts.filter(pl.col(REPEATS).is_null()), overlap)
    logs = [name for name, word in overlap.authority.items() if word == "client"]
    covered = covered_logs(numbered, overlap.reports(), logs)
    numbered = covered.cells.with_columns(pl.when(~is_included()).then(pl.col(KEYS)))
    left, aside = _layered(numbered, overlap)
    again = texts.filter(pl.col(REPEATS).is_not_null())
    whole = _split_bills(numbered, left)
    empty = pl.col("tie_day").is_not_null() & (pl.sum_horizontal(COUNTED) == 0) & pl.col("billed_cost").is_null()
    joined = Joined(pl.DataFrame(schema=PAID), summed([aside, _told_again(again), _of_plans(covered.taken)]), untied)
    return whole.filter(~empty).drop(LOT), joined


def _numbered(cells: pl.DataFrame) -> pl.DataFrame:
    """Number cells in an order of their own, and what they have in common in every breakdown: both decide ties."""
    sums = {*COUNTED, "billed_cost", "list_cost", "last_start"}
    ordered = cells.sort([name for name in cells.columns if name not in sums])
    lot = pl.struct(*KEYS, *PRICE_DIMENSIONS, "granularity").rank("dense").alias(LOT)
    return ordered.with_columns(lot).with_row_index("cell")


def _told_again(cells: pl.DataFrame) -> pl.DataFrame:
    """Return the tokens of rows that repeat another source's session."""
    tokens = pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum()).alias("tokens")
    sums = cells.filter("shown").group_by(source=pl.col("tie_source"), for_source=pl.col(REPEATS)).agg(tokens)
    return summed([sums.with_columns(amount=pl.lit(None, MONEY), billing_currency=pl.lit(None, pl.String))])


def _of_plans(taken: pl.DataFrame) -> pl.DataFrame:
    return taken.with_columns(amount=pl.lit(None, MONEY), billing_currency=pl.lit(None, pl.String))


def _split_bills(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Part the tokens from the money of bills that other rows tell some tokens of: the money is for all of them."""
    counted = pl.sum_horizontal(COUNTED)
    was = before.select("cell", was=counted)
    marked = after.join(was, on="cell", maintain_order="left")
    cut = pl.col("billed_cost").is_not_null() & (counted < pl.col("was"))
    parted = marked.filter(cut)
    marks = pl.col("price_marks")
    money = parted.with_columns(pl.lit(0, pl.Int64).alias(name) for name in COUNTED).with_columns(marks & ~UNIT_MARKS)
    tokens = parted.with_columns(
        pl.lit(None, MONEY).alias("billed_cost"),
        pl.lit(None, MONEY).alias("list_cost"),
        pl.lit(None, pl.String).alias("cost_basis"),
        marks & UNIT_MARKS,
        pl.col("cell") + before.height,
    )
    return pl.concat([marked.filter(~cut), money, tokens]).drop("was")


def _with_accounts(cells: pl.DataFrame, overlap: Overlap) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fill in accounts where there is no doubt. Cells that stay in doubt are tied to nothing."""
    exports = [name for name, word in overlap.authority.items() if word in EXPORTS]
    marked = with_accounts(cells, overlap.bills, exports)
    tokens = pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum()).alias("tokens")
    untied = (
        marked.filter("doubtful", "shown", ~is_included())
        .group_by("tie_source", "provider", "accounts")
        .agg(tokens)
        .sort("tie_source", "provider")
    )
    tied = marked.with_columns(pl.when(~pl.col("doubtful")).then(pl.col(KEYS)))
    return tied.select(cells.columns), untied.rename({"tie_source": "source"})


def _layered(cells: pl.DataFrame, overlap: Overlap) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the cells without what a finer source tells too, and how many tokens of which source that were."""
    tied = cells.filter(pl.col("tie_day").is_not_null())
    left: dict[str, list[tuple[Told, frozenset[tuple[object, ...]]]]] = {}
    taken = Taken(overlap)
    aside = []
    for step, part in sorted(_steps(tied, overlap), key=operator.itemgetter(0)):
        source, told, shown = step.source, Told.of(part), part.filter("shown")["cell"]
        calls = told.calls()
        for other in _finer(source, left, overlap):
            for number, (finer, others) in enumerate(left[other]):
                if calls.isdisjoint(others):
                    continue
                before, free = told, taken.left_of(source, (other, number), finer)
                told = absorb(told, free, anyone=_callers(source, other, overlap)).coarse
                taken.note(source, (other, number), before, finer)
                aside.append(_taken(before, told, shown).with_columns(source=pl.lit(source), for_source=pl.lit(other)))
        left.setdefault(source, []).append((told, calls))
    amounts = [told.amounts for parts in left.values() for told, _ in parts]
    rest = reduced(tied, Told(pl.concat(amounts))) if amounts else tied
    return pl.concat([cells.filter(pl.col("tie_day").is_null()), rest]), summed(aside)


class Taken:
    """Remembers which calls of a log the exports of one business hold: those of another cannot hold them too."""

    def __init__(self, overlap: Overlap) -> None:
        """Begin with nothing taken."""
        self.overlap = overlap
        self.rest: dict[tuple[str, int], tuple[str, Told]] = {}

    def left_of(self, source: str, place: tuple[str, int], finer: Told) -> Told:
        """Return what a source may tell of finer amounts: for the business that came second, what the first left."""
        first, rest = self.rest.get(place, (None, finer))
        return rest if self.overlap.books.get(source) not in (None, first) else finer

    def note(self, source: str, place: tuple[str, int], coarse: Told, finer: Told) -> None:
        """Remember what is left of finer amounts, which may be of any business, if the source's came first."""
        books, several = self.overlap.books.get(source), len(set(self.overlap.books.values())) > 1
        first, rest = self.rest.get(place, (books, finer))
        if books is not None and books == first and several and place[0] not in self.overlap.books:
            anyone = _callers(source, place[0], self.overlap)
            self.rest[place] = books, absorb(coarse, rest, anyone=anyone).fine


def _steps(tied: pl.DataFrame, overlap: Overlap) -> Iterator[tuple[Step, pl.DataFrame]]:
    """Yield the cells of each source and granularity, with what orders them: the finest first."""
    for (source, grain), part in tied.group_by("tie_source", pl.col("granularity").cast(pl.String)):
        yield (
            Step(GRANULARITIES.index(str(grain)), AUTHORITIES.index(overlap.authority[str(source)]), str(source)),
            part,
        )


def _finer(source: str, done: Collection[str], overlap: Overlap) -> list[str]:
    """Return which of the sources already looked at may tell of the same calls."""
    word = overlap.authority[source]
    peers = {other for other in done if word in APART and overlap.authority[other] == word}
    near = [other for other in done if other != source and not overlap.apart(source, other)]
    return [other for other in near if other not in peers or other in _restated(source, overlap)]


def _callers(source: str, finer: str, overlap: Overlap) -> bool:
    """Say whether one of two sources names callers, of whom the other one, an export, knows nothing."""
    pair = {source, finer}
    return bool(pair & overlap.routers) and any(overlap.authority[name] in EXPORTS for name in pair)


def _restated(source: str, overlap: Overlap) -> Collection[str]:
    return overlap.restates.get(source, ())


def _taken(before: Told, after: Told, shown: pl.Series) -> pl.DataFrame:
    """Return the tokens that were taken away from the cells that are shown, as one row."""
    tokens = pl.col("name").is_in(TOKEN_CLASSES) & pl.col("cell").is_in(shown.implode())
    left, right = (told.amounts.select(pl.col("amount").filter(tokens).sum()).item() for told in (before, after))
    kinds = {name: ASIDE[name] for name in ("billing_currency", "tokens", "amount")}
    return pl.DataFrame({"billing_currency": [None], "tokens": [left - right], "amount": [None]}, kinds)


def summed(aside: list[pl.DataFrame]) -> pl.DataFrame:
    """Return what was set aside, one row for each pair of sources and currency, as `Joined.aside`."""
    found = pl.concat([pl.DataFrame(schema=ASIDE), *(item.select(*ASIDE) for item in aside)])
    keys = ("source", "for_source", "billing_currency")
    sums = found.group_by(keys).agg(pl.col("tokens").sum(), known_sum("amount"))
    return sums.filter((pl.col("tokens") > 0) | pl.col("amount").is_not_null()).sort(keys)
