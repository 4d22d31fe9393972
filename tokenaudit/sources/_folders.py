"""Where agents keep their logs on this machine: what the `paths` of sources mean here."""

from __future__ import annotations

import os
from glob import glob
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenaudit.sources.source import Source


def folders_of(source: Source) -> list[str]:
    """Return the folders of a source that exist here, each by its real path, in order and once."""
    return sorted({os.path.realpath(folder) for path in source.paths for folder in _existing(path)})


def agent_folders() -> list[str]:
    """Return the folders of all sources that exist here, in order and once."""
    from tokenaudit.sources import sources

    return sorted({folder for source in sources().values() for folder in folders_of(source)})


def lies_in(path: str, folders: list[str]) -> bool:
    """Say whether a file lies in one of some folders, which are given by their real paths."""
    place = os.path.join(os.path.realpath(os.path.dirname(path)), "")
    return place.startswith(tuple(os.path.join(folder, "") for folder in folders))


def _existing(path: str) -> list[str]:
    """Return the folders that a path means here: none where a variable of it is not set."""
    whole = os.path.expandvars(os.path.expanduser(path))
    found = glob(whole) if "*" in whole else [whole]
    return [folder for folder in found if "$" not in whole and os.path.isdir(folder)]
