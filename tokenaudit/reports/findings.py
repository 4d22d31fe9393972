"""What `doctor` says of one source: a sentence for each thing that was measured, with a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from tokenaudit.render.numbers import compact_tokens, percent, plural
from tokenaudit.reports.quality import share
from tokenaudit.reports.retention import SOON

if TYPE_CHECKING:
    from tokenaudit.reports.quality import Quality

OLD = 31
"""Days after which the newest row is old: a monthly export is missing, or nobody reads the logs any more."""
WEEK = 5
"""Weekdays in a row without data from which a gap is worth a look."""
REASONS, GAPS = 5, 3
"""Reasons and gaps that are named before the rest is only counted."""


class Check(NamedTuple):
    """One thing looked at: `verdict` is ok, warn or broken."""

    name: str
    verdict: str
    text: str
    source: str | None = None
    """The source that it is about; None where it is about the whole."""


Said = tuple[str, bool, str]
"""The name of a check, whether it is worth a look, and the sentence."""


def findings(found: Quality, as_of: date) -> Iterator[Check]:
    """Yield what there is to say of a source, in reading order; what is as it should be is left out."""
    for name, worth, text in (
        *_read(found),
        *_age(found, as_of),
        *_days(found),
        *_again(found),
        *_rejected(found),
        *_output(found),
        *_unpriced(found),
        *_names(found),
        *_forks(found),
        *_deletion(found),
    ):
        yield Check(name, "warn" if worth else "ok", text, found.source)


def _read(found: Quality) -> Iterator[Said]:
    files = plural(found.files, "file")
    if found.held is None:
        yield "read", bool(found.files), f"{files}, no usage"
        return
    yield "read", False, f"{files}, {plural(found.held.rows, 'row')}, {compact_tokens(found.held.tokens)} tokens"
    if found.empty:
        yield "empty", False, f"{plural(found.empty, 'file')} without usage"


def _age(found: Quality, as_of: date) -> Iterator[Said]:
    if found.held is None or found.age is None:
        return
    first, begun = found.held.first.date(), found.held.newest_start.date()
    ago = f"{plural(found.age, 'day')} ago" if found.age else "up to date"
    yield "dates", found.age > OLD, f"{first} to {found.held.last_day}, {ago}"
    if begun > as_of:
        yield "future", True, f"the newest row is of {begun}, after {as_of}"


def _days(found: Quality) -> Iterator[Said]:
    missing = sum(gap.weekdays for gap in found.gaps)
    if not missing:
        return
    longest = sorted((gap for gap in found.gaps if gap.weekdays), key=lambda gap: (-gap.weekdays, gap.first))
    named = ", ".join(str(gap.first) if gap.days == 1 else f"{gap.first} to {gap.last}" for gap in longest[:GAPS])
    such = "such as " if len(longest) > GAPS else ""
    yield "gaps", longest[0].weekdays >= WEEK, f"{plural(missing, 'weekday')} without data: {such}{named}"


def _again(found: Quality) -> Iterator[Said]:
    parts = [f"{plural(found.told_again, 'row')} told again or replaced by newer files"] if found.told_again else []
    parts += [f"{plural(found.merged, 'repeated line')} merged"] if found.merged else []
    if parts:
        yield "once", False, ", ".join(parts)


def _rejected(found: Quality) -> Iterator[Said]:
    for group in found.refused[:REASONS]:
        path, line, _, reason = group.example
        where = f"{path}:{line}" if group.lines == 1 else f"such as {path}:{line}"
        lines = plural(group.lines, "line") + (f" in {group.files:,} files" if group.files > 1 else "")
        yield "rejected", True, f"{lines}: {reason} ({where})"
    rest = found.refused[REASONS:]
    if rest:
        lines = plural(sum(group.lines for group in rest), "line")
        yield "rejected", True, f"{lines} for {plural(len(rest), 'other reason')}: see `tokenaudit doctor --rejects`"


def _output(found: Quality) -> Iterator[Said]:
    part = share(found.held.unfinished, found.held.rows) if found.held else None
    if part:
        yield "output", True, f"{percent(part)} of the rows hold a placeholder: the log lacks their final count"


def _unpriced(found: Quality) -> Iterator[Said]:
    requests, tokens, part = found.unpriced
    if requests or tokens:
        of_all = f" ({percent(part)})" if part else ""
        yield (
            "unpriced",
            True,
            f"{compact_tokens(tokens)} tokens{of_all}, {plural(requests, 'request')} without a price",
        )


def _names(found: Quality) -> Iterator[Said]:
    if found.nameless:
        yield "ids", False, f"{percent(found.nameless)} of the requests have no id and are known by their values"
    if found.held is None:
        return
    who, where = share(found.held.nobody, found.held.rows), share(found.held.nowhere, found.held.rows)
    parts = [f"no {what} in {percent(part)}" for part, what in ((who, "user"), (where, "project")) if part]
    if parts:
        yield "names", False, f"{', '.join(parts)} of the rows"


def _forks(found: Quality) -> Iterator[Said]:
    if found.forks and found.forks.without_parent:
        lost, files = found.forks.without_parent, plural(found.forks.files, "fork")
        yield "forks", True, f"{lost:,} of {files} without the log they began with, such as {found.forks.example}"


def _deletion(found: Quality) -> Iterator[Said]:
    gone = found.deletion
    if gone is None or gone.days is None or not gone.unread:
        return
    rule = f"its tool deletes files {plural(gone.days, 'day')} after their last change"
    if gone.soon:
        soon = f"{plural(gone.soon, 'file')} not read yet go within {SOON} days, such as {gone.examples[0]}"
        yield "retention", True, f"{soon}: {rule}; run `tokenaudit ingest`"
    else:
        yield "retention", False, f"{plural(gone.unread, 'file')} not read yet, the first goes on {gone.first}: {rule}"
