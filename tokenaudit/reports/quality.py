"""How good the data of each source is: what `doctor` measures, as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from tokenaudit.analysis.coverage import gaps, held
from tokenaudit.ingest.plan import outdated
from tokenaudit.periods import parse_period
from tokenaudit.render.numbers import EXACT
from tokenaudit.reports.owners import attributed
from tokenaudit.reports.question import Question, ask
from tokenaudit.reports.rejected import Refused, by_reason
from tokenaudit.reports.retention import Deletion, deletion
from tokenaudit.schema import TOKEN_CLASSES
from tokenaudit.sources import named, sources
from tokenaudit.sources._identity import count_nameless
from tokenaudit.sources.source import Log, Table

if TYPE_CHECKING:
    from tokenaudit.config import Config
    from tokenaudit.sources.source import Source
    from tokenaudit.store.catalog import FileEntry, RejectEntry
    from tokenaudit.store.store import Store

ASKED = 100_000
"""Requests of a source that are asked for an id of their own, at most."""
Files = Mapping[str, Sequence["FileEntry"]]
"""What the ledger knows of the files of each source."""


class Gap(NamedTuple):
    """Days without data between the first and the last of a source."""

    first: date
    last: date
    days: int
    weekdays: int


class Forks(NamedTuple):
    """Log files that begin with copies of another conversation, and those where the oldest of them was never read."""

    files: int
    without_parent: int
    example: str


class Held(NamedTuple):
    """Sums over the stored rows of a source, as in `analysis.coverage.held`."""

    rows: int
    tokens: int
    first: datetime
    newest_start: datetime
    newest: datetime
    unfinished: int
    nobody: int
    nowhere: int

    @property
    def last_day(self) -> date:
        """The last day that the rows reach into; buckets end before their end."""
        return max(self.newest_start, self.newest - timedelta(microseconds=1)).date()


class Unpriced(NamedTuple):
    """What of a source has no price in a report on everything."""

    requests: int = 0
    tokens: int = 0
    share: Decimal | None = None
    """Of its tokens that the report counts."""


@dataclass(frozen=True, slots=True)
class Quality:
    """All that is known of one source in a store."""

    source: str
    title: str
    files: int
    """Files that were read as this source, and are remembered."""
    empty: int
    """Those of which no row was ever read."""
    read: int
    """Billable things read of them, again and again where files tell them again."""
    merged: int
    refused: Sequence[Refused]
    held: Held | None
    """None where no row is stored."""
    unpriced: Unpriced
    nameless: Decimal | None
    """Share of the newest requests that come without any id; None where a source's rows cannot tell."""
    gaps: Sequence[Gap]
    forks: Forks | None
    """None where the source's logs do not say what they descend from."""
    deletion: Deletion | None
    age: int | None
    """Days from the newest row to the day that counts as today."""

    @property
    def told_again(self) -> int:
        """Things that were read and do not count: other files tell them too, or newer ones replaced them."""
        return max(0, self.read - (self.held.rows if self.held else 0))


def qualities(store: Store, config: Config, as_of: date) -> list[Quality]:
    """Return the quality of every source that was read, or whose tool is about to delete logs here, by name."""
    ledger = store.catalog.files()
    files = _by_source(ledger.values())
    rows = {row["source"]: row for row in held(attributed(store, store.rows())).iter_rows(named=True)}
    refused = _refused(store.catalog.rejects(), ledger)
    unpriced, stretches, deletions = _unpriced(store, config), _gaps(store), _deletions(ledger, as_of)
    threatened = {name for name, found in deletions.items() if found.soon}
    return [
        _quality(
            source,
            files.get(name, ()),
            held=_held(rows.get(name)),
            refused=by_reason(refused.get(name, ())),
            unpriced=unpriced.get(name, Unpriced()),
            nameless=_nameless(store, source) if name in rows else None,
            gaps=stretches.get(name, ()),
            deletion=deletions.get(name),
            as_of=as_of,
        )
        for name, source in named({*rows, *files, *threatened}).items()
    ]


def _quality(
    source: Source,
    files: Sequence[FileEntry],
    *,
    held: Held | None,
    as_of: date,
    **found: Any,  # noqa: ANN401 - fields of `Quality`
) -> Quality:
    return Quality(
        source=source.name,
        title=source.title,
        files=len(files),
        empty=sum(not entry.rows for entry in files),
        read=sum(entry.rows for entry in files),
        merged=sum(entry.merged for entry in files),
        held=held,
        forks=_forks(source, files),
        age=max(0, (as_of - held.last_day).days) if held else None,
        **found,
    )


def _held(row: Mapping[str, Any] | None) -> Held | None:
    return Held(**{name: row[name] for name in Held._fields}) if row else None


def _by_source(entries: Iterable[FileEntry]) -> Files:
    found: dict[str, list[FileEntry]] = defaultdict(list)
    for entry in entries:
        if entry.source:
            found[entry.source].append(entry)
    return found


def _refused(rejects: Iterable[RejectEntry], ledger: Mapping[str, FileEntry]) -> Mapping[str, Sequence[RejectEntry]]:
    found: dict[str, list[RejectEntry]] = defaultdict(list)
    for item in rejects:
        entry = ledger.get(item.path)
        found[entry.source if entry else ""].append(item)
    return found


def _deletions(ledger: Mapping[str, FileEntry], as_of: date) -> dict[str, Deletion]:
    """Return what becomes of logs here, by the sources whose tools delete their own."""
    return {name: found for name, item in sources().items() if (found := deletion(item, ledger, as_of))}


def _gaps(store: Store) -> Mapping[str, Sequence[Gap]]:
    found: dict[str, list[Gap]] = defaultdict(list)
    for source, *gap in gaps(store.rows()).iter_rows():
        found[source].append(Gap(*gap))
    return found


def _unpriced(store: Store, config: Config) -> Mapping[str, Unpriced]:
    question = Question(parse_period("all", date.max, "UTC"), ("source",), config=config)
    sums = (
        ask(store, question)
        .cube.group_by(pl.col("source").cast(pl.String))
        .agg(
            pl.col("unpriced_requests", "unpriced_tokens").sum(),
            tokens=pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum()),
        )
    )
    return {name: Unpriced(requests, some, share(some, whole)) for name, requests, some, whole in sums.iter_rows()}


def _nameless(store: Store, source: Source) -> Decimal | None:
    """Return which share of a table's requests is only known by its values; None of logs and of buckets."""
    if not isinstance(source, Table):
        return None
    own = (pl.col("source") == source.name) & (pl.col("granularity") == "request")
    newest = store.usage().filter(own).tail(ASKED).collect(engine="streaming")
    return share(count_nameless(source.name, newest), newest.height)


def _forks(source: Source, files: Sequence[FileEntry]) -> Forks | None:
    lineage = source.lineage if isinstance(source, Log) else None
    if lineage is None:
        return None
    told = {entry.path: lineage(entry.state) for entry in files if entry.state and not outdated(entry)}
    threads = {item.thread for item in told.values()}
    forks = {path: item.origin for path, item in told.items() if item.origin != item.thread}
    orphans = sorted(path for path, origin in forks.items() if origin not in threads)
    return Forks(len(forks), len(orphans), orphans[0] if orphans else "")


def share(part: int, whole: int) -> Decimal | None:
    """Return part / whole, None of nothing."""
    return EXACT.divide(Decimal(part), Decimal(whole)) if whole else None
