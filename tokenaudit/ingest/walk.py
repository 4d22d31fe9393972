"""Which files there are: folders walked whole and in sorted order, hidden ones included, symlinks followed once."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from tokenaudit.errors import SourceError

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
            if entry.named or entry.path not in found:
                found[entry.path] = entry
    return sorted(found.values())


def _folder(path: str, seen: set[tuple[int, int]]) -> Iterator[Found]:
    try:
        stat = os.stat(path)
    except FileNotFoundError:  # gone since its own folder was listed
        return
    if (stat.st_dev, stat.st_ino) in seen or os.path.exists(os.path.join(path, STORE_MARK)):
        return
    seen.add((stat.st_dev, stat.st_ino))
    for entry in _entries(path):
        yield from _item(entry, seen)


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
    return Found(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, named=named)
