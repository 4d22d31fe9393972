"""Codex rollouts (command line, desktop, editors): a running token counter, copied whole into every fork.

Rules (checked on 5,626 events of real rollouts):

* ``token_count`` carries the thread's total so far and is written again unchanged, so that an event adds the
  difference of two totals; see `Counter` for the first event, late events and resets. Cached and cache-write tokens
  are part of the input, reasoning is part of the output, which is billed as it stands.
* ``token_usage_record`` (since 0.151) is one line for each response and also covers compaction. From the first one on
  the file's ``token_count`` events are left out: they tell the same.
* An event is named by its scope, the resets before it and its total; a record by the response's id. Re-emitted lines,
  archived copies and the history that forks replay under new timestamps thus fold into one row in any order of files.
* Scope is the thread; for events that a fork or a sub-agent may have copied it is the oldest thread of the family
  (`Thread`). Where turn ids (UUIDv7, not older than the thread) or ordinals tell a thread's own events, they have the
  thread as scope. Those proven to be copied are left out: they are in the file they were copied from.
* An event without a model before it takes the first one that the file names later. While that has not been written,
  its row goes out without model, and once more when the model is known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tokenaudit.sources._codex_counter import Counter, Vector
from tokenaudit.sources._codex_line import (
    NEEDLES,
    Entry,
    Info,
    Meta,
    Settings,
    Started,
    TokenCount,
    Turn,
    UsageRecord,
    entries,
)
from tokenaudit.sources._codex_thread import Thread, thread_of
from tokenaudit.sources._instant import instant
from tokenaudit.sources.lines import Lines, as_columns
from tokenaudit.sources.source import Decoded, Lineage, Log, Reject, Tail

if TYPE_CHECKING:
    from tokenaudit.sources.head import Head

COLUMNS = (
    "identity",
    "line",
    "session",
    "origin_rank",
    "charge_period_start",
    "project_path",
    "provider",
    "request_model",
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation_30m_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
RANK, INSTANT, MODEL = (COLUMNS.index(name) for name in ("origin_rank", "charge_period_start", "request_model"))
COUNTS = slice(COLUMNS.index("uncached_input_tokens"), None)

TYPES = frozenset({"session_meta", "turn_context", "event_msg", "response_item", "token_usage_record", "compacted"})
TYPED = re.compile(rb'"type"\s*:\s*"(?:session_meta|turn_context|event_msg|response_item)"')
OLD_FIRST_LINE = frozenset({"id", "timestamp", "instructions"})
"""Rollouts of 2025 began so. They hold no tokens, but are known."""

Row = list[Any]


def detect(head: Head) -> bool:
    """Say whether the first records are lines of a rollout; where none can be read, whether they look like such."""
    if next(iter(head.records), None) is not None:
        return any(_is_line(record) for record in head.records)
    return any(_looks_like_line(line) for line in head.data.split(b"\n"))


def _is_line(record: dict[str, Any]) -> bool:
    kind = record.get("type")
    if isinstance(kind, str) and kind in TYPES and isinstance(record.get("payload"), dict):
        return True
    return record.get("record_type") == "state" or (record.keys() >= OLD_FIRST_LINE and kind is None)


def _looks_like_line(line: bytes) -> bool:
    return line.lstrip(b"\xef\xbb\xbf \x00").startswith(b"{") and b'"payload"' in line and bool(TYPED.search(line))


def decode(tail: Tail) -> Decoded:
    """Read the unread lines of one rollout."""
    session = _Session(tail)
    session.read()
    return session.result()


class _State(msgspec.Struct):
    """What is remembered between two readings of a growing file."""

    thread: Thread
    counter: Counter = Counter()
    recorded: bool = False
    """The file holds `token_usage_record` lines."""
    waiting: list[Row] = []
    """Rows before the first line that names a model."""


class _Key(NamedTuple):
    """The first columns of a row."""

    identity: str
    line: int
    session: str
    rank: int


class _Session:
    """The rows of one rollout as its lines come in."""

    def __init__(self, tail: Tail) -> None:
        self.lines = Lines(tail)
        self.state = msgspec.json.decode(tail.state, type=_State) if tail.state else _State(thread_of(tail.path))
        self.rows: dict[str, Row] = {}
        self.merged = 0

    def read(self) -> None:
        """Read all lines."""
        for number, offset, data in self.lines.hits(*NEEDLES):
            found, error = entries(data)
            for entry in found:
                error = self.add(entry, number) or error
            if error:
                self.lines.rejects.append(Reject(number, offset, error))

    def add(self, entry: Entry, number: int) -> str | None:
        """Take in one entry; return why it cannot be counted, if so."""
        payload, thread = entry.payload, self.state.thread
        match payload:
            case TokenCount(info=Info() as info):
                return self.add_count(entry, info, number)
            case UsageRecord():
                return self.add_record(entry, payload, number)
            case Meta():
                thread.add_meta(payload, first_line=number == 1)
            case Started():
                thread.add_turn(payload.turn_id)
            case Turn():
                thread.add_turn(payload.turn_id)
                thread.directory = payload.cwd or thread.directory
                self.add_model(payload.model)
            case Settings(thread_settings=settings) if settings:
                thread.provider = settings.model_provider_id or thread.provider
                self.add_model(settings.model)
        return None

    def add_model(self, model: str | None) -> None:
        """Take in a model: it holds for what follows, and for the rows that wait for one."""
        if not model:
            return
        self.state.thread.model = model
        for row in self.state.waiting:
            row[MODEL] = model
            self.keep(row)
        self.state.waiting = []

    def add_count(self, entry: Entry, info: Info, number: int) -> str | None:
        """Take in a `token_count` event."""
        if info.total_token_usage is None:
            return "token_count without total_token_usage"
        thread, last = self.state.thread, info.last_token_usage
        counter, amount = self.state.counter.step(info.total_token_usage.vector(), last.vector() if last else None)
        self.state.counter = counter
        standing = thread.standing(entry.ordinal)
        if amount is None or standing == "copied" or self.state.recorded:
            self.merged += 1
            return None
        if not any(amount):
            return None
        scope, rank = (thread.id, 0) if standing == "own" else (thread.scope, thread.depth)
        key = _Key(f"{scope}\x1f{counter.name()}", number, thread.id, rank)
        return self.add_row(key, entry.timestamp, amount, info.model)

    def add_record(self, entry: Entry, record: UsageRecord, number: int) -> str | None:
        """Take in a `token_usage_record`; one that names another thread was copied from there."""
        if record.usage is None:
            return "token_usage_record without usage"
        self.state.recorded = True
        thread, session = self.state.thread, record.thread_id or self.state.thread.id
        own = session == thread.id if record.thread_id else thread.standing(entry.ordinal) == "own"
        total = (record.thread_token_usage or record.usage).vector()
        identity = record.response_id or f"{session}\x1frecord\x1f{','.join(map(str, total))}"
        key = _Key(identity, number, session, 0 if own else max(1, thread.depth))
        return self.add_row(key, entry.timestamp, record.usage.vector(), None)

    def add_row(self, key: _Key, timestamp: str | None, amount: Vector, own_model: str | None) -> str | None:
        """Add a row; return why it cannot be counted, if so."""
        start, thread = instant(timestamp), self.state.thread
        whole, cached, written, output, reasoning = amount
        if start is None:
            return "token usage without a usable timestamp"
        if cached + written > whole:
            return f"cached and cache-write tokens ({cached} + {written}) exceed input tokens ({whole})"
        model = thread.model or own_model
        row: Row = [*key, start, thread.directory, thread.provider or "openai", model]
        row += [whole - cached - written, cached, written, output, reasoning]
        if not model:
            self.state.waiting.append(row)
        self.keep(row)
        return None

    def keep(self, row: Row) -> None:
        """Fold a row into the one of the same identity, if there is one: largest counts, earliest instant."""
        known = self.rows.setdefault(row[0], row)
        if known is row:
            return
        self.merged += 1
        counts = [max(pair) for pair in zip(known[COUNTS], row[COUNTS], strict=True)]
        first = min(known[INSTANT], row[INSTANT])
        if (row[RANK], row[INSTANT]) < (known[RANK], known[INSTANT]):
            known[:] = row
        known[INSTANT], known[COUNTS] = first, counts

    def result(self) -> Decoded:
        """Return the rows of the whole reading."""
        return Decoded(
            columns=as_columns(COLUMNS, list(self.rows.values())),
            offset=self.lines.offset,
            line=self.lines.line,
            state=msgspec.json.encode(self.state).decode(),
            merged=self.merged,
            rejects=self.lines.rejects,
        )


class _Kept(msgspec.Struct):
    """What of a `_State` tells whose file it is."""

    thread: Thread


def lineage(state: str) -> Lineage:
    """Return the thread of a file and the oldest one it descends from, out of the state that was kept of it."""
    thread = msgspec.json.decode(state, type=_Kept).thread
    return Lineage(thread.id, thread.scope)


SOURCE = Log(
    name="codex",
    title="Codex rollouts",
    provider=None,
    authority="client",
    detect=detect,
    decode=decode,
    lineage=lineage,
    paths=(
        "$CODEX_HOME/sessions",
        "$CODEX_HOME/archived_sessions",
        "~/.codex/sessions",
        "~/.codex/archived_sessions",
    ),
    known="~/.codex/sessions and ~/.codex/archived_sessions (rollout-*.jsonl) on each developer's machine",
    tells="tokens by response, session and working directory, forks and sub-agents counted once",
    lacks="the user, and what a subscription covers",
)
