"""Logs that their own tool is about to delete before anybody has read them. They are looked at, never opened."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tokenaudit.ingest.plan import is_unchanged
from tokenaudit.ingest.walk import Found, walk
from tokenaudit.sources._documents import at
from tokenaudit.sources._folders import folders_of
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from tokenaudit.sources.source import Retention, Source
    from tokenaudit.store.catalog import FileEntry

SOON = 7
"""Days before its deletion from which a file is about to go."""
AGE = re.compile(r"(\d{1,9})([hdwm])")
HOURS = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24}
NAMED = 3
"""Files that are named as examples."""


class Deletion(NamedTuple):
    """What a tool does with its logs on this machine, and which of them are not in the store as they are now."""

    days: int | None
    """Days after its last change that a file is kept, the fewest of all folders; None where nothing is deleted."""
    settings: tuple[str, ...]
    """Files that say so; none where it is the tool's own default."""
    folders: tuple[str, ...]
    files: int
    unread: int
    """Files that were never read, or changed since."""
    soon: int
    """Unread files that go within `SOON` days, or may go when the tool starts next."""
    first: date | None
    """When the first unread file goes."""
    examples: tuple[str, ...]
    """Those of `soon` that go first."""


class _Folder(NamedTuple):
    """One folder of a tool: how long it keeps files, who says so, and those not read yet."""

    days: int | None
    settings: str
    files: int
    unread: list[Found]


def deletion(source: Source, ledger: Mapping[str, FileEntry], as_of: date) -> Deletion | None:
    """Return what becomes of a source's logs here; None where its tool keeps them, or has no folder here."""
    rule = source.retention if isinstance(source, Log) else None
    places = folders_of(source) if rule else []
    if rule is None or not places:
        return None
    folders = [_looked_at(rule, place, ledger) for place in places]
    kept = [folder.days for folder in folders if folder.days is not None]
    ends = sorted((_end(file, folder.days), file.path) for folder in folders for file in folder.unread)
    last = as_of + timedelta(days=SOON)
    soon = [path for end, path in ends if end <= last]
    return Deletion(
        days=min(kept, default=None),
        settings=tuple(folder.settings for folder in folders if folder.settings),
        folders=tuple(places),
        files=sum(folder.files for folder in folders),
        unread=len(ends),
        soon=len(soon),
        first=ends[0][0] if ends and kept else None,
        examples=tuple(soon[:NAMED]),
    )


def _looked_at(rule: Retention, folder: str, ledger: Mapping[str, FileEntry]) -> _Folder:
    found = [file for file in walk([folder]) if fnmatch(Path(file.path).name, rule.files)]
    unread = [file for file in found if _is_unread(file, ledger.get(file.path))]
    path = os.path.normpath(f"{folder}/{rule.settings}")
    said = _settings(path)
    days = _in_days(at(said, *rule.setting))
    if rule.switch and at(said, *rule.switch) is False:
        return _Folder(None, path, len(found), unread)
    return _Folder(rule.days if days is None else days, "" if days is None else path, len(found), unread)


def _settings(path: str) -> object:
    """Return what a tool's settings say; nothing where there are none, or they are not JSON."""
    try:
        return json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None


def _in_days(said: object) -> int | None:
    """Return a number of days, or a text such as ``30d``, ``4w`` and ``36h``, as days; None for anything else.

    >>> _in_days(90), _in_days("4w"), _in_days("36h"), _in_days("soon")
    (90, 28, 1, None)
    """
    if isinstance(said, int) and not isinstance(said, bool):
        return said if said >= 0 else None
    found = AGE.fullmatch(said) if isinstance(said, str) else None
    return int(found[1]) * HOURS[found[2]] // 24 if found else None


def _is_unread(file: Found, entry: FileEntry | None) -> bool:
    return bool(file.size) and (entry is None or not is_unchanged(file, entry))


def _end(file: Found, days: int | None) -> date:
    """Return the day on which a file goes: so many days after it was last written, none (None) is the last of all."""
    written = datetime.fromtimestamp(file.mtime_ns / 1e9, UTC).date()
    most = (date.max - written).days
    return written + timedelta(days=most if days is None else min(days, most))
