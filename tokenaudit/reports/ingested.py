"""What an ingest did, for people on standard error and for machines as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tokenaudit.render.numbers import plural
from tokenaudit.sources._nearest import nearest, own_names
from tokenaudit.sources.head import Head

if TYPE_CHECKING:
    from tokenaudit.ingest.summary import FileResult, Summary

SCHEMA = "tokenaudit.ingest/1"
FILE_KEYS = ("path", "source", "rows", "new", "duplicate", "merged", "rejected", "status")
COUNTS = ("rows", "new", "duplicate", "merged", "rejected")
SPREADSHEETS = (".xlsx", ".xls", ".ods")
LISTED = 5
"""Lines or files that are named before the rest is only counted."""


def as_json(summary: Summary) -> dict[str, Any]:
    """Return the summary as the JSON contract has it."""
    return {
        "schema": SCHEMA,
        "files": [
            {key: getattr(file, key) or (None if key == "source" else 0) for key in FILE_KEYS} for file in summary.files
        ],
        "totals": {"files": len(summary.files), **{name: summary.total(name) for name in COUNTS}},
        "rejects": [{"path": item.path, "line": item.line, "reason": item.reason} for item in summary.rejects],
        "notes": [*summary.notes, *empty_note(summary)],
    }


def as_lines(summary: Summary) -> Iterator[str]:
    """Yield what a person should know, most important first."""
    read, unchanged = summary.with_status("read"), summary.with_status("unchanged")
    size = f" ({_size(summary.bytes)})" if summary.bytes else ""
    yield f"Read {plural(len(read), 'file')}{size} in {summary.seconds:.1f} s" + (
        f", {plural(len(unchanged), 'file')} unchanged" if unchanged else ""
    )
    yield from _by_source(read)
    yield from _empty(summary)
    yield from _rejected(summary)
    yield from _unrecognised(summary)
    skipped = len(summary.with_status("skipped"))
    if skipped:
        yield f"Skipped: {plural(skipped, 'file')} that no source reads"
    yield from summary.notes


def _by_source(files: list[FileResult]) -> Iterator[str]:
    totals: dict[str, Counter[str]] = {}
    for file in files:
        counts = totals.setdefault(file.source, Counter())
        counts.update(files=1, **{name: getattr(file, name) for name in COUNTS})
    width = max(map(len, totals), default=0)
    for source, counts in sorted(totals.items()):
        parts = [
            f"{counts['files']:>6,} {'file ' if counts['files'] == 1 else 'files'}",
            f"{counts['rows']:>10,} {'row ' if counts['rows'] == 1 else 'rows'}",
            f"{counts['new']:>10,} new",
            f"{counts['duplicate']:>10,} known before",
            *([f"{plural(counts['merged'], 'repeated line')} merged"] if counts["merged"] else []),
        ]
        yield f"  {source:<{width}}  {'  '.join(parts)}"


def empty_note(summary: Summary) -> list[str]:
    """Return a sentence about the files that were recognised and yielded no row; none where there is no such file."""
    head, *rest = (*_empty(summary), "")
    return [f"{head}: {'; '.join(line.strip() for line in rest if line)}"] if head else []


def _empty(summary: Summary) -> Iterator[str]:
    """Name the recognised files that yielded no row, those with rejected lines first."""
    found = sorted((file for file in summary.files if file.empty), key=lambda file: (-file.rejected, file.path))
    if not found:
        return
    yield f"Recognised, but without usage: {plural(len(found), 'file')}"
    for file in found[:LISTED]:
        rejected = f", {plural(file.rejected, 'line')} rejected" if file.rejected else ""
        yield f"  {file.path} ({file.source}{rejected})"
    if len(found) > LISTED:
        yield f"  and {len(found) - LISTED:,} more"


def _rejected(summary: Summary) -> Iterator[str]:
    if not summary.rejects:
        return
    files = len({item.path for item in summary.rejects})
    lines = plural(len(summary.rejects), "line")
    yield f"Rejected: {lines} in {plural(files, 'file')}, kept in the store's quarantine"
    for item in summary.rejects[:LISTED]:
        yield f"  {item.path}:{item.line}: {item.reason}"
    if len(summary.rejects) > LISTED:
        yield f"  and {len(summary.rejects) - LISTED:,} more (all of them: `tokenaudit doctor --rejects`)"


def _unrecognised(summary: Summary) -> Iterator[str]:
    found = summary.with_status("unrecognised")
    if not found:
        return
    yield f"Not recognised: {plural(len(found), 'file')}"
    for file in found[:LISTED]:
        yield f"  {file.reason or file.path + _nearest(file.path)}"
    if len(found) > LISTED:
        yield f"  and {len(found) - LISTED:,} more (all of them: --format json)"


def _nearest(path: str) -> str:
    if path.lower().endswith(SPREADSHEETS):
        return " (a spreadsheet: save its table as CSV)"
    head = Head(path)
    if near := nearest(head):
        return f" (nearest: {near.source}, lacks {_quoted(near.lacks)})"
    names = list(dict.fromkeys(own_names(head)))
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f" (no source is known by {_quoted(names[:LISTED])}{more})" if names else " (neither a table nor JSON)"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _size(size: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
