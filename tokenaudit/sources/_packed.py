"""Files inside others: members of a zip archive, and Zstandard."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import zipfile

MEMBER = "!/"
"""What stands between the path of an archive and the name of a member: ``usage.zip!/amount.csv``."""
ARCHIVE = ".zip"
ZSTANDARD = b"\x28\xb5\x2f\xfd"
MOST_MEMBERS = 10_000
LARGEST_RATIO, SMALL = 200, 1 << 24
"""A member that unpacks to more than 16 MB and 200 times its size is a bomb, not a log."""


class DamagedError(Exception):
    """A compressed file is cut off or broken."""


class Member(NamedTuple):
    """A file in an archive."""

    path: str
    size: int


def is_member(path: str) -> bool:
    """Say whether a path leads into an archive."""
    return MEMBER in path and not os.path.exists(path)


def archive_of(path: str) -> str:
    """Return the archive that a path leads into, or the path itself."""
    return path.partition(MEMBER)[0] if is_member(path) else path


def as_written(path: str) -> str:
    """Return the path that a file had before it was packed, by the ending of its name."""
    return path.removesuffix(".gz").removesuffix(".zst")


def members(path: str) -> list[Member]:
    """Return the files of an archive by their paths; none of one that is broken, too large or locked."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            found = [item for item in archive.infolist() if not item.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, OSError):
        return []
    if len(found) > MOST_MEMBERS or any(item.flag_bits & 1 or _is_bomb(item) for item in found):
        return []
    return [Member(f"{path}{MEMBER}{item.filename}", item.file_size) for item in found]


def _is_bomb(item: zipfile.ZipInfo) -> bool:
    return item.file_size > SMALL and item.file_size > LARGEST_RATIO * item.compress_size


def open_member(path: str) -> io.BufferedIOBase:
    """Open a file in an archive; it closes the archive with itself."""
    import zipfile

    archive, _, name = path.partition(MEMBER)
    try:
        with zipfile.ZipFile(archive) as opened:
            data = opened.read(name)
    except (zipfile.BadZipFile, KeyError, RuntimeError) as error:
        raise DamagedError(f"{name}: {error}") from error
    return io.BufferedReader(io.BytesIO(data))


def open_zstandard(path: str) -> io.BufferedIOBase:
    """Open a Zstandard file."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    class Reader(zstd.ZstdFile):
        """Says what is wrong with a broken file as all others do."""

        def read1(self, size: int | None = -1) -> bytes:
            try:
                return super().read1(size)
            except zstd.ZstdError as error:
                raise DamagedError(str(error)) from error

        def read(self, size: int | None = -1) -> bytes:
            try:
                return super().read(size)
            except zstd.ZstdError as error:
                raise DamagedError(str(error)) from error

    return Reader(path)
