"""Claude Code session logs: one line a content block, several lines a response, copies in resumed and forked sessions.

Rules (measured on real transcripts):

* A response is its ``message.id`` where Anthropic gave it (``msg_...``), else (message id, request id). A gateway may
  leave out the request id and repeat one constant message id: see `Guard`.
* Each count is the maximum over its lines; the first line gives the instant. Sub-agents' lines may stand in their own
  files or, in versions 2.0.6x to 2.1.4x, as ``agent_progress`` lines inside the parent's.
* Cache writes are split by life: 5 minutes and 1 hour; what a breakdown leaves out of the flat total is 5 minutes.
* ``usage.iterations`` of type ``advisor_message`` and ``compaction`` are not in the top-level usage: rows of their own.
* Where no line has a ``stop_reason`` the output count is a placeholder; `_claude_estimate` says what it may have been.
* User, project and session come from the file in which the line stands closest to the file's own start: a resumed or
  forked session copies lines of other times, and its own lines begin where its clock comes near its start.
* A captured ``claude -p --output-format stream-json`` holds the same responses (`_claude_stream`). ``result`` and
  ``cost-state`` lines are cumulative totals, and never spend.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _claude_estimate as estimate
from tokenaudit.sources import _claude_stream as stream
from tokenaudit.sources._claude_guard import Guard
from tokenaudit.sources._claude_line import (
    LARGEST_COUNT,
    NOT_A_REGION,
    PROGRESS,
    Counts,
    Iteration,
    Line,
    Message,
    Progress,
    Usage,
    documents,
    larger_cost,
)
from tokenaudit.sources._claude_origin import Origin
from tokenaudit.sources._claude_row import (
    COLUMNS,
    COST,
    COUNTS,
    FINALIZED,
    INSTANT,
    KIND,
    MODEL,
    ORIGIN,
    PARTS,
    PLACE,
    WHAT,
    WHERE,
    What,
    Where,
    filled,
    order,
    tags,
)
from tokenaudit.sources._instant import instant as instant_of
from tokenaudit.sources.lines import Hit, Lines, Skip, as_columns
from tokenaudit.sources.source import Decoded, Log, Reject, Tail

if TYPE_CHECKING:
    from tokenaudit.sources.head import Head

NEEDLES = (b'"output_tokens"', b'"assistant"')
"""The second finds torn lines: whole ones of an assistant without usage add nothing."""
USER_LINES = (b'"type":"user"', b'"type": "user"')
PROMPTS = Skip(mark=USER_LINES[0], before=b'"message"')
FOREIGN = "usageMetadata"
"""Key of a relative's lines that look alike but count otherwise."""
SYNTHETIC = "<synthetic>"
SEPARATE_ITERATIONS = ("advisor_message", "compaction")


def detect(head: Head) -> bool:
    """Say whether the first records are lines of a session: they carry `sessionId`, or are its metadata lines."""
    return any(_is_line(record) for record in head.records)


def _is_line(record: dict[str, Any]) -> bool:
    kind = record.get("type")
    if not isinstance(kind, str):
        return False
    return (
        (isinstance(record.get("sessionId"), str) and FOREIGN not in record)
        or (kind == "summary" and "leafUuid" in record)
        or (kind == "file-history-snapshot" and "snapshot" in record)
        or stream.is_line(record)
    )


def decode(tail: Tail) -> Decoded:
    """Read the unread lines of one session file."""
    session = _Session(tail)
    if not session.read(NEEDLES):
        session = _Session(tail, guarded=True)
        session.read((*NEEDLES, *USER_LINES))
    named = any(name for name, *_ in session.places.values())
    if named or not stream.is_capture(tail.path):
        return session.result()
    return stream.read_capture(_Session(Tail(tail.path), guarded=True))


class _Session:
    """The rows of one session file as its lines come in."""

    def __init__(self, tail: Tail, *, guarded: bool = False) -> None:
        state = json.loads(tail.state) if tail.state else {}
        self.lines = Lines(tail)
        self.guard = Guard(state.get("groups", {})) if guarded or state.get("groups") else None
        self.guard_needed = False
        self.origin = Origin(tail.path, state.get("start"), state.get("rank"))
        self.rows: dict[str | int, list[Any]] = {}
        self.parts: dict[tuple[str | int, int], list[Any]] = {}
        self.open: dict[str | int, list[tuple[str, bytes]]] = {}
        self.open_bytes = 0
        self.merged = 0
        self.errors: list[str] = []
        self.places: dict[tuple[str | None, ...], Where] = {}
        self.kinds: dict[tuple[str | None, ...], What] = {}

    def read(self, needles: tuple[bytes, ...]) -> bool:
        """Read all lines; False at the first that needs the guard, which has to see user lines too."""
        if self.guard is not None:
            needles = (*NEEDLES, *USER_LINES)
        skip = PROMPTS if self.guard is None else None
        for hit in self.lines.hits(*needles, skip=skip):
            for document in documents(hit.data, self.errors):
                self.add(document, hit)
            if self.errors:
                self.refuse(hit, self.errors.pop())
            if self.guard_needed:
                return False
        return True

    def refuse(self, hit: Hit, reason: str) -> None:
        """Count a line that could not be read."""
        self.lines.rejects.append(Reject(hit.line, hit.offset, reason))

    def add(self, document: Line, hit: Hit) -> None:
        """Take in one JSON document of the log."""
        kind, message, data = document.type, document.message, document.data
        if kind == "assistant" and message is not None:
            self.add_response(document, message, hit)
        elif kind == "progress" and data is not None and data.type == PROGRESS:
            self.add_progress(document, data, hit)
        elif kind == "user" and self.guard is not None:
            self.guard.turn()

    def add_progress(self, document: Line, data: Progress, hit: Hit) -> None:
        """Take in a sub-agent's line that the parent's log carries inside a progress line."""
        inner = data.message
        if inner is None or inner.message is None:
            return
        document.requestId, document.timestamp = inner.requestId, inner.timestamp or document.timestamp
        document.uuid, document.isSidechain = inner.uuid or document.uuid, True
        document.agentId = data.agentId
        self.add_response(document, inner.message, hit)

    def add_response(self, line: Line, message: Message, hit: Hit) -> None:
        """Take in one line of a response that carries usage."""
        usage = message.usage
        if usage is None or message.model == SYNTHETIC:
            return
        instant = instant_of(line.timestamp)
        if instant is None:
            self.refuse(hit, f"usage without a usable timestamp: {line.timestamp!r}")
            return
        counts = self.counts(usage, hit)
        if counts is None:
            return
        key: str | int | None = message.id
        if message.id is None or not message.id.startswith("msg_"):
            key = self.other_key(line, message, usage)
        if key is None:
            return
        row = self.rows.get(key)
        if row is None:
            self.rows[key] = self.row(line, message, usage, instant, hit.line, counts)
        else:
            self.merged += 1
            self.fold(row, line, message, usage, instant, counts)
        if message.stop_reason is None or key in self.open:
            self.keep_open(key, line, message, hit.data)
        if usage.iterations:
            self.add_parts(key, line, message, usage, instant, hit)

    def counts(self, usage: Iteration, hit: Hit) -> Counts | None:
        """Return the counts of a line; None, and a reject, where one cannot be true."""
        counts = usage.counts()
        if min(counts) < 0 or max(counts) > LARGEST_COUNT:
            named = zip(COLUMNS[COUNTS.start : COUNTS.stop], counts, strict=True)
            wrong = next(f"{name} is {count}" for name, count in named if not 0 <= count <= LARGEST_COUNT)
            self.refuse(hit, f"impossible count: {wrong}")
            return None
        return counts

    def add_parts(self, key: str | int, line: Line, message: Message, usage: Usage, instant: str, hit: Hit) -> None:
        """Take in an advisor's or a compaction's own usage within a response."""
        for index, part in enumerate(usage.iterations or ()):
            counts = self.counts(part, hit) if part.type in SEPARATE_ITERATIONS else None
            if counts is None:
                continue
            row = self.parts.get((key, index))
            if row is None:
                row = self.parts[key, index] = self.row(line, message, usage, instant, hit.line, counts)
                row[MODEL] = part.model or row[MODEL]
            else:
                self.fold(row, line, message, usage, instant, counts)
            row[COST], row[FINALIZED] = None, True

    def other_key(self, line: Line, message: Message, usage: Usage) -> str | int | None:
        """Return what names a response without an id of Anthropic's; None asks for a second reading with the guard."""
        if message.id is None:
            return f"line\x1f{line.requestId or line.uuid or line.timestamp}"
        if line.requestId:
            return f"{message.id}\x1f{line.requestId}"
        if self.guard is None:
            self.guard_needed = True
            return None
        return self.guard.key((line.sessionId or "", line.agentId or "", message.id), usage.prompt())

    def fold(self, row: list[Any], line: Line, message: Message, usage: Usage, instant: str, counts: Counts) -> None:
        """Fold one more line into the row of its response, just as the store folds the rows of two files."""
        for column, count in enumerate(counts, COUNTS.start):
            if count > row[column]:  # noqa: PLR1730 - `max` takes three times as long, on every line
                row[column] = count
        if message.stop_reason is not None:
            row[FINALIZED] = True
        where, what = self.where(line), self.what(message.model, usage.service_tier, usage.speed, usage.inference_geo)
        rank = self.origin.of(line, instant)
        if where is not row[PLACE] or rank < row[ORIGIN] or instant < row[INSTANT]:
            self.fold_where(row, where, rank, instant)
        if what is not row[KIND]:
            row[KIND], row[WHAT.start : WHAT.stop] = None, filled(row[WHAT.start : WHAT.stop], what)
        cost = line.reported_cost()
        if cost is not None:
            row[COST] = larger_cost(row[COST], cost)

    def fold_where(self, row: list[Any], where: Where, rank: int, instant: str) -> None:
        """Fold a line's place and time: the earliest instant, and the place of the line closest to its original."""
        before, known = (row[ORIGIN], row[INSTANT]), tuple(row[WHERE.start : WHERE.stop])
        if (rank, instant) < before or ((rank, instant) == before and order(where) < order(known)):
            row[ORIGIN], row[PLACE], row[WHERE.start : WHERE.stop] = rank, where, where
        row[INSTANT] = min(row[INSTANT], instant)

    def keep_open(self, key: str | int, line: Line, message: Message, data: bytes) -> None:
        """Remember the lines of a response without a stop reason: its output may have to be estimated."""
        if message.stop_reason is not None:
            if key in self.open:
                self.open_bytes -= sum(len(kept) for _, kept in self.open.pop(key))
        elif not self.rows[key][FINALIZED]:
            self.open.setdefault(key, []).append((line.uuid or line.timestamp or "", data))
            self.open_bytes += len(data)
            if self.open_bytes > estimate.OPEN_BYTES:
                self.close()

    def close(self) -> None:
        """Turn the remembered lines into their estimates."""
        for key, lines in self.open.items():
            row = self.rows[key]
            row[PARTS] = sorted({*(row[PARTS] or ()), *(estimate.part(uuid, data) for uuid, data in lines)})
        self.open.clear()
        self.open_bytes = 0

    def row(self, line: Line, message: Message, usage: Usage, instant: str, number: int, counts: Counts) -> list[Any]:
        """Return one line's values in the order of COLUMNS; the identity follows when the file is done."""
        where, what = self.where(line), self.what(message.model, usage.service_tier, usage.speed, usage.inference_geo)
        return [
            None,
            number,
            instant,
            *where,
            *what,
            line.reported_cost(),
            self.origin.of(line, instant),
            message.stop_reason is not None,
            *counts,
            None,
            where,
            what,
        ]

    def where(self, line: Line) -> Where:
        """Return session, working directory and tags."""
        key = (line.sessionId, line.cwd, line.gitBranch)
        found = self.places.get(key)
        if found is None:
            found = self.places[key] = (line.sessionId or None, line.cwd or None, tags(line.gitBranch))
        return found

    def what(self, model: str | None, tier: str | None, speed: str | None, geography: str | None) -> What:
        """Return provider, model, service tier, speed, region and whether it was a batch."""
        key = (model, tier, speed, geography)
        found = self.kinds.get(key)
        if found is None:
            provider = "anthropic" if model and model.startswith("claude-") else None
            region = None if geography in NOT_A_REGION else geography
            found = self.kinds[key] = (provider, model or None, tier or None, speed or None, region, tier == "batch")
        return found

    def name(self, key: str | int) -> str:
        """Return the identity of a row."""
        return self.guard.name(key) if isinstance(key, int) and self.guard else str(key)

    def result(self) -> Decoded:
        """Return the rows of the whole reading."""
        self.close()
        for key, row in self.rows.items():
            row[0] = self.name(key)
        for (key, index), row in self.parts.items():
            row[0] = f"{self.name(key)}\x1fadv:{index}"
        kept = [row for key, row in self.rows.items() if not isinstance(key, int) or any(row[i] for i in COUNTS)]
        kept.extend(self.parts.values())
        state = {
            "start": self.origin.start,
            "rank": self.origin.rank,
            "groups": self.guard.state() if self.guard else {},
        }
        return Decoded(
            columns=as_columns(COLUMNS, kept),
            offset=self.lines.offset,
            line=self.lines.line,
            state=json.dumps(state, separators=(",", ":")),
            merged=self.merged,
            rejects=self.lines.rejects,
        )


SOURCE = Log(
    name="claude-code",
    title="Claude Code session logs",
    provider=None,
    authority="client",
    detect=detect,
    decode=decode,
    paths=(
        "$CLAUDE_CONFIG_DIR/projects",
        "$XDG_CONFIG_HOME/claude/projects",
        "~/.config/claude/projects",
        "~/.claude/projects",
    ),
    known="~/.claude/projects/**/*.jsonl on each developer's machine",
    tells="tokens by response, session, working directory and git branch, with sub-agents",
    lacks="the user, and what a subscription covers (see `[[plan]]`); some versions never log the final output count",
)
