"""Which files there are: folders walked whole and in sorted order, hidden ones included, symlinks followed once.

A zip archive stands for the files in it. The write-ahead log beside an SQLite database is part of the database.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from tokenaudit.errors import SourceError
from tokenaudit.sources._database import BESIDE, LOG
from tokenaudit.sources._packed import ARCHIVE, members

SKIPPED_FOLDERS = frozenset((".git", "node_modules", ".venv"))
STORE_MARK = "catalog.db"


class Found(NamedTuple):
    """A file, as the file system describes it."""

    path: str
    inode: int
    size: int
    mtime_ns: int
    named: bool
    """Given by name, not found in a folder."""


def walk(paths: Iterable[str]) -> list[Found]:
    """Return every file under the paths, sorted, once each. SourceError where a path does not exist."""
    found: dict[str, Found] = {}
    seen: set[tuple[int, int]] = set()
    for path in sorted(map(os.path.abspath, paths)):
        if not os.path.exists(path):
            raise SourceError(
                f"no such file or folder: `{path}`", "check the spelling; a `*` must be left to the shell"
            )
        entries = _folder(path, seen) if os.path.isdir(path) else iter((_entry(path, named=True),))
        for entry in entries:
            for file in _unpacked(entry) if entry.path.lower().endswith(ARCHIVE) else (entry,):
                if file.named or file.path not in found:
                    found[file.path] = file
    return sorted(found.values())


def _folder(path: str, seen: set[tuple[int, int]]) -> Iterator[Found]:
    try:
        stat = os.stat(path)
    except FileNotFoundError:  # gone since its own folder was listed
        return
    if (stat.st_dev, stat.st_ino) in seen or os.path.exists(os.path.join(path, STORE_MARK)):
        return
    seen.add((stat.st_dev, stat.st_ino))
    entries = _entries(path)
    names = {entry.name for entry in entries}
    for entry in entries:
        if not _is_beside(entry.name, names):
            with_log = entry.name + LOG in names
            yield from map(_with_log, _item(entry, seen)) if with_log else _item(entry, seen)


def _is_beside(name: str, names: set[str]) -> bool:
    """Say whether a file belongs to an SQLite database of the same folder."""
    return name.endswith(BESIDE) and name.rpartition("-")[0] in names


def _with_log(file: Found) -> Found:
    """Add to a database's size and time those of its write-ahead log, which changes in its place."""
    try:
        stat = os.stat(file.path + LOG)
    except FileNotFoundError:
        return file
    return file._replace(size=file.size + stat.st_size, mtime_ns=max(file.mtime_ns, stat.st_mtime_ns))


def _unpacked(archive: Found) -> list[Found]:
    """Return the files in an archive; where it cannot be opened, the archive itself."""
    return [archive._replace(path=path, size=size) for path, size in members(archive.path)] or [archive]


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda item: item.name)
    except FileNotFoundError:  # gone since its own folder was listed
        return []
    except PermissionError as error:
        raise SourceError(f"cannot read `{path}`: permission denied", "run as a user who may read it") from error


def _item(entry: os.DirEntry[str], seen: set[tuple[int, int]]) -> Iterator[Found]:
    if _leads_nowhere(entry):
        return
    if entry.is_dir():
        if entry.name not in SKIPPED_FOLDERS:
            yield from _folder(entry.path, seen)
    elif entry.is_file():
        with suppress(FileNotFoundError):  # gone since its folder was listed
            yield from _file(entry, seen)


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    """Say whether something is a link to itself, which the system refuses to follow."""
    try:
        entry.is_dir()
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return True
    return False


def _file(entry: os.DirEntry[str], seen: set[tuple[int, int]]) -> Iterator[Found]:
    stat = entry.stat()
    if not entry.is_symlink():
        yield Found(entry.path, stat.st_ino, stat.st_size, stat.st_mtime_ns, named=False)
    elif (stat.st_dev, stat.st_ino) not in seen:
        seen.add((stat.st_dev, stat.st_ino))
        yield _entry(os.path.realpath(entry.path), named=False)


def _entry(path: str, *, named: bool) -> Found:
    stat = os.stat(path)
    return _with_log(Found(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, named=named))
