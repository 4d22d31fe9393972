"""Walking: every file once, in order, hidden folders too; loops, stores and vanished files do no harm."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tokenaudit.errors import SourceError
from tokenaudit.ingest import walk as module
from tokenaudit.ingest.walk import walk


def make(folder: Path, *names: str) -> None:
    """Create files that hold their own name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def names(folder: Path, *paths: Path) -> list[str]:
    """Return what a walk finds, relative to a folder."""
    return [os.path.relpath(found.path, folder) for found in walk(str(path) for path in paths or (folder,))]


def test_whole_and_sorted(tmp_path: Path) -> None:
    """Hidden folders are walked, `.git`, `node_modules` and `.venv` are not."""
    make(
        tmp_path,
        "b.csv",
        "a/z.jsonl",
        ".claude/projects/x/s.jsonl",
        ".git/a.csv",
        "n/node_modules/a.csv",
        ".venv/a.csv",
    )

    assert names(tmp_path) == [".claude/projects/x/s.jsonl", "a/z.jsonl", "b.csv"]


def test_what_is_known_of_a_file(tmp_path: Path) -> None:
    """Inode, size and time as the file system has them, and whether it was named."""
    make(tmp_path, "a.csv")
    (found,) = walk([str(tmp_path)])
    (named,) = walk([str(tmp_path / "a.csv")])
    stat = (tmp_path / "a.csv").stat()

    assert found == (str(tmp_path / "a.csv"), stat.st_ino, stat.st_size, stat.st_mtime_ns, False)
    assert named == found._replace(named=True)


def test_overlapping_paths(tmp_path: Path) -> None:
    """A file that is given twice is found once, and stays named."""
    make(tmp_path, "a/b.csv", "a/c.csv")
    found = walk(
        str(path) for path in (tmp_path, tmp_path / "a", tmp_path / "a" / "b.csv", tmp_path / "a" / ".." / "a")
    )

    assert [(Path(item.path).name, item.named) for item in found] == [("b.csv", True), ("c.csv", False)]


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger knows files by their absolute path."""
    make(tmp_path, "a.csv")
    monkeypatch.chdir(tmp_path)

    assert [item.path for item in walk(["."])] == [str(tmp_path / "a.csv")]


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    """Is an error, whatever else was given."""
    with pytest.raises(SourceError, match="no such file or folder"):
        walk([str(tmp_path), str(tmp_path / "none")])


# -- links ------------------------------------------------------------------------------------------------------------
def test_links_are_followed_once(tmp_path: Path) -> None:
    """A linked folder or file outside is found, one inside only once, under its real name."""
    make(tmp_path, "in/a.csv", "out/b.csv", "out/deep/c.csv")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "out" / "deep")
    (tmp_path / "in" / "twice").symlink_to(tmp_path / "out" / "deep")
    (tmp_path / "in" / "b-link.csv").symlink_to(tmp_path / "out" / "b.csv")
    (tmp_path / "in" / "b-again.csv").symlink_to(tmp_path / "out" / "b.csv")
    (tmp_path / "in" / "0-self.csv").symlink_to(tmp_path / "in" / "a.csv")

    assert names(tmp_path, tmp_path / "in") == ["in/a.csv", "in/linked/c.csv", "out/b.csv"]


@pytest.mark.parametrize("target", [".", "..", "a"])
def test_loops_end(tmp_path: Path, target: str) -> None:
    """A link to a folder above, to its own folder, or to itself."""
    make(tmp_path, "x/b.csv")
    (tmp_path / "x" / "a").symlink_to(target)

    assert names(tmp_path) == ["x/b.csv"]


def test_broken_links_and_pipes_are_nothing(tmp_path: Path) -> None:
    """What is no file is passed over."""
    make(tmp_path, "a.csv")
    (tmp_path / "broken.csv").symlink_to(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe.csv")

    assert names(tmp_path) == ["a.csv"]


# -- what is left out -------------------------------------------------------------------------------------------------
def test_our_own_store_is_skipped(tmp_path: Path) -> None:
    """Wherever it lies, also when it is named; its neighbours are read."""
    make(tmp_path, "store/catalog.db", "store/segments/month=2026-10/x.parquet", "a.csv")

    assert names(tmp_path) == ["a.csv"]
    assert names(tmp_path, tmp_path / "store") == []


def vanish(monkeypatch: pytest.MonkeyPatch, path: Path, remove: Callable[[Path], object]) -> None:
    """Remove something when its folder has just been listed."""
    real = module._entries

    def listed(folder: str) -> list[os.DirEntry[str]]:
        found = real(folder)
        if Path(folder) == path.parent:
            remove(path)
        return found

    monkeypatch.setattr(module, "_entries", listed)


def test_a_file_that_vanishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Agents delete old logs while we look: the others are read."""
    make(tmp_path, "a.csv", "b.csv", "c.csv")
    vanish(monkeypatch, tmp_path / "b.csv", Path.unlink)

    assert names(tmp_path) == ["a.csv", "c.csv"]


def test_a_folder_that_vanishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for folders."""
    make(tmp_path, "a.csv")
    (tmp_path / "b").mkdir()
    vanish(monkeypatch, tmp_path / "b", Path.rmdir)

    assert names(tmp_path) == ["a.csv"]


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is an error with a sentence: what is not read must not be missing silently."""

    def refuse(_: str) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match="permission denied"):
        walk([str(tmp_path)])
