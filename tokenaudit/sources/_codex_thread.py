"""Whose events a Codex rollout holds: its own thread's, or copies from the threads it descends from."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from tokenaudit.sources._codex_line import Meta

Standing = Literal["own", "copied"]

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Thread(msgspec.Struct):
    """The thread that a file belongs to; kept as JSON between two readings of a growing file.

    A fork and some sub-agents begin with copies of the events of the threads they descend from. Their scope is that
    of the oldest one: the last `session_meta` of the file, or the thread that one was forked from. A file that copies
    this file copies its `session_meta` lines too, so that all of a family come to the same scope without being seen
    together, whether the oldest is still there or not.
    """

    id: str
    """Own id: of the first `session_meta`, before it from the file's name."""
    scope: str
    named: bool = False
    """The own `session_meta` was read."""
    ancestors: int = 0
    """`session_meta` lines copied from other threads."""
    forked: bool = False
    """The last `session_meta` names one more thread before it."""
    start: int | None = None
    """Ordinal of the first line that is not copied, where the log says so."""
    turn: Standing | None = None
    """Whether the running turn is this thread's own, where its id tells."""
    provider: str | None = None
    directory: str | None = None
    model: str | None = None

    @property
    def depth(self) -> int:
        """How many threads this one descends from by copying."""
        return self.ancestors + self.forked

    def add_meta(self, meta: Meta, *, first_line: bool) -> None:
        """Take in a `session_meta`: the file's own, a copied one, or its own once more.

        Where the first line is broken, the first one that can be read is a copy if the file's name says so.
        """
        name = meta.id or self.id
        if not self.named and (first_line or name == self.id or UUID.fullmatch(self.id) is None):
            self.named, self.id, self.start = True, name, meta.subagent_history_start_ordinal
            self.provider, self.directory = meta.model_provider, self.directory or meta.cwd
        elif name != self.id:
            self.ancestors += 1
        else:
            return
        self.scope, self.forked = meta.parent() or name, meta.parent() is not None

    def add_turn(self, turn_id: str | None) -> None:
        """Take in the begin of a turn: one that is not older than the thread is its own, as are all after it."""
        began, born = milliseconds(turn_id), milliseconds(self.id)
        if turn_id is not None and self.turn != "own":
            self.turn = None if began is None or born is None else "own" if began >= born else "copied"

    def standing(self, ordinal: int | None) -> Standing | None:
        """Say whether a line is this thread's own or proven to be copied; None where the log leaves it open."""
        if self.start is not None and ordinal is not None:
            return "own" if ordinal >= self.start else "copied"
        if not self.depth:
            return "own"
        return None if self.turn == "copied" and not self.ancestors else self.turn


def thread_of(path: str) -> Thread:
    """Return the thread that a file's name tells of: the UUID in it, else the name itself."""
    name = PurePath(path).name
    found = UUID.findall(name)
    own = found[-1] if found else name
    return Thread(id=own, scope=own)


def milliseconds(uuid: str | None) -> int | None:
    """Return the milliseconds since 1970 that a UUID of version 7 begins with; None for anything else."""
    if uuid is None or UUID.fullmatch(uuid) is None or uuid[14] != "7":
        return None
    return int(uuid[:8] + uuid[9:13], 16)
