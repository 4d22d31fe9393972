"""One Claude Code session file: its lines become the rows of its responses. See `claude_code` for the rules."""

from __future__ import annotations

import json

import msgspec

from tokenaudit.sources import _claude_estimate as estimate
from tokenaudit.sources._claude_guard import Guard
from tokenaudit.sources._claude_line import (
    NOT_A_REGION,
    NOTHING,
    PROGRESS,
    UNREADABLE,
    Line,
    Message,
    Progress,
    Usage,
    carefully,
    larger_cost,
    parse,
)
from tokenaudit.sources._claude_origin import Origin
from tokenaudit.sources._claude_row import MODEL, Row, What, Where, columns, tags
from tokenaudit.sources._instant import instant as instant_of
from tokenaudit.sources.lines import Hit, Lines, Skip
from tokenaudit.sources.source import Decoded, Reject, Tail

NEEDLES = (b'"output_tokens"', b'"assistant"')
"""The second finds torn lines: whole ones of an assistant without usage add nothing."""
USER_LINES = (b'"type":"user"', b'"type": "user"')
PROMPTS = Skip(mark=USER_LINES[0], before=b'"message"')
SYNTHETIC = "<synthetic>"
SEPARATE_ITERATIONS = ("advisor_message", "compaction")
Key = str | int
"""The id of a response, or the number that the guard gave it."""


class Session:
    """The rows of one session file as its lines come in."""

    def __init__(self, tail: Tail, *, guarded: bool = False) -> None:
        state = json.loads(tail.state) if tail.state else {}
        self.lines = Lines(tail)
        self.guard = Guard(state.get("groups", {})) if guarded or state.get("groups") else None
        self.guard_needed = False
        self.origin = Origin(self.lines, state.get("start"), state.get("rank"))
        self.rows: dict[Key, Row] = {}
        self.parts: dict[tuple[Key, int], Row] = {}
        self.open: dict[Key, list[tuple[str, bytes]]] = {}
        self.open_bytes = 0
        self.merged = 0
        self.places: dict[tuple[str | None, ...], Where] = {}
        self.kinds: dict[tuple[str | None, ...], What] = {}
        self.place: tuple[tuple[str | None, ...], Where] = ((), (None, None, None))
        self.kind: tuple[tuple[str | None, ...], What] = ((), ())

    def read(self) -> bool:
        """Read all lines; False at the first that needs the guard, which has to see user lines too."""
        guarded = self.guard is not None
        needles, skip = ((*NEEDLES, *USER_LINES), None) if guarded else (NEEDLES, PROMPTS)
        add = self.add
        for hit in self.lines.hits(*needles, skip=skip):
            try:
                line = parse(hit[2])
            except UNREADABLE:
                self.read_carefully(hit)
            else:
                add(line, hit)
            if self.guard_needed:
                return False
        return True

    def read_carefully(self, hit: Hit) -> None:
        """Read a line that is not one sound document."""
        errors: list[str] = []
        for line, text in carefully(hit[2], errors):
            self.add(line, (*hit[:2], text))
        for error in errors:
            self.refuse(hit, error)

    def refuse(self, hit: Hit, reason: str) -> None:
        """Count a line that could not be read."""
        self.lines.rejects.append(Reject(hit[0], hit[1], reason))

    def add(self, line: Line, hit: Hit) -> None:
        """Take in one JSON document of the log."""
        message = line.message
        if line.type != "assistant" or message is None:
            self.add_other(line, hit)
            return
        usage = message.usage
        if usage is None or message.model == SYNTHETIC:
            return
        instant = instant_of(line.timestamp)
        key: Key | None = message.id
        if instant is None:
            self.refuse(hit, f"usage without a usable timestamp: {line.timestamp!r:.80}")
            return
        if message.id is None or not message.id.startswith("msg_"):
            key = self.other_key(line, message, usage)
        if key is not None:
            made = self.row(line, message, usage, instant, hit[0])
            if usage.iterations:
                self.add_parts(key, made, usage)
            self.add_response(key, made, line, hit[2])

    def add_other(self, line: Line, hit: Hit) -> None:
        """Take in a line that is no response by itself."""
        data = line.data
        if line.type == "progress" and data is not None and data.type == PROGRESS:
            self.add_progress(line, data, hit)
        elif line.type == "user" and self.guard is not None:
            self.guard.turn()

    def add_progress(self, line: Line, data: Progress, hit: Hit) -> None:
        """Take in a sub-agent's line that the parent's log carries inside a progress line."""
        inner = data.message
        if inner is None or inner.message is None:
            return
        line.requestId, line.timestamp = inner.requestId, inner.timestamp or line.timestamp
        line.uuid, line.isSidechain = inner.uuid or line.uuid, True
        line.agentId = data.agentId
        line.type, line.message = "assistant", inner.message
        self.add(line, hit)

    def add_response(self, key: Key, made: Row, line: Line, data: bytes) -> None:
        """Take in what one line says of a response."""
        row = self.rows.setdefault(key, made)
        if row is not made:
            self.merged += 1
            fold(row, made)
        if made.finalized:
            self.open.pop(key, None)
        elif not row.finalized:
            self.keep_open(key, line.uuid or line.timestamp or "", data)

    def row(self, line: Line, message: Message, usage: Usage, instant: str, number: int) -> Row:
        """Return what one line says."""
        return Row(
            number,
            instant,
            self.where(line),
            self.what(message.model, usage),
            self.origin.of(line, instant),
            usage.counts(),
            None if line.costUSD is NOTHING else line.reported_cost(),
            message.stop_reason is not None,
        )

    def where(self, line: Line) -> Where:
        """Return session, working directory and tags: one object for all lines that say the same."""
        key = (line.sessionId, line.cwd, line.gitBranch)
        if key != self.place[0]:
            found = self.places.get(key) or (line.sessionId or None, line.cwd or None, tags(line.gitBranch))
            self.places[key] = found
            self.place = (key, found)
        return self.place[1]

    def what(self, model: str | None, usage: Usage) -> What:
        """Return provider, model, tier, speed, region and batch: one object for all lines that say the same."""
        key = (model, usage.service_tier, usage.speed, usage.inference_geo)
        if key != self.kind[0]:
            self.kind = (key, self.kinds.get(key) or _what(*key))
            self.kinds[key] = self.kind[1]
        return self.kind[1]

    def add_parts(self, key: Key, line: Row, usage: Usage) -> None:
        """Take in an advisor's or a compaction's own usage within a response."""
        for index, part in enumerate(usage.iterations or ()):
            if part.type in SEPARATE_ITERATIONS:
                model = part.model or line.what[MODEL]
                what = (*line.what[:MODEL], model, *line.what[MODEL + 1 :])
                made = Row(line.line, line.instant, line.where, what, line.rank, part.counts(), None, finalized=True)
                row = self.parts.setdefault((key, index), made)
                if row is not made:
                    fold(row, made)

    def other_key(self, line: Line, message: Message, usage: Usage) -> Key | None:
        """Return what names a response without an id of Anthropic's; None asks for a second reading with the guard."""
        if message.id is None:
            return f"line\x1f{line.requestId or line.uuid or line.timestamp}"
        if line.requestId:
            return f"{message.id}\x1f{line.requestId}"
        if self.guard is None:
            self.guard_needed = True
            return None
        return self.guard.key((line.sessionId or "", line.agentId or "", message.id), usage.prompt())

    def keep_open(self, key: Key, uuid: str, data: bytes) -> None:
        """Remember a line of a response without a stop reason: its output may have to be estimated."""
        lines = self.open.get(key)
        if lines is None:
            self.open[key] = [(uuid, data)]
        else:
            lines.append((uuid, data))
        self.open_bytes += len(data)
        if self.open_bytes > estimate.OPEN_BYTES:
            self.close()

    def close(self) -> None:
        """Turn the remembered lines into their estimates."""
        for key, lines in self.open.items():
            row = self.rows[key]
            row.parts = sorted({*(row.parts or ()), *(estimate.part(uuid, data) for uuid, data in lines)})
        self.open.clear()
        self.open_bytes = 0

    def name(self, key: Key) -> str:
        """Return the identity of a row."""
        return self.guard.name(key) if isinstance(key, int) and self.guard else str(key)

    def result(self) -> Decoded:
        """Return the rows of the whole reading."""
        self.close()
        kept = {self.name(key): row for key, row in self.rows.items() if isinstance(key, str) or any(row.counts)}
        kept |= {f"{self.name(key)}\x1fadv:{index}": row for (key, index), row in self.parts.items()}
        state = {
            "start": self.origin.start,
            "rank": self.origin.rank,
            "groups": self.guard.state() if self.guard else {},
        }
        return Decoded(
            columns=columns([*kept], [*kept.values()]),
            offset=self.lines.offset,
            line=self.lines.line,
            state=msgspec.json.encode(state).decode(),
            merged=self.merged,
            rejects=self.lines.rejects,
        )


def fold(row: Row, line: Row) -> None:
    """Fold one more line into the row of its response, just as the store folds the rows of two files."""
    if line.counts != row.counts:
        row.counts = tuple(map(max, row.counts, line.counts))  # type: ignore[assignment]
    if line.finalized:
        row.finalized = True
    if line.where is not row.where or line.rank < row.rank or line.instant < row.instant:
        row.fold_where(line.where, line.rank, line.instant)
    if line.what is not row.what:
        row.fold_what(line.what)
    if line.cost is not None:
        row.cost = larger_cost(row.cost, line.cost)


def _what(model: str | None, tier: str | None, speed: str | None, geography: str | None) -> What:
    provider = "anthropic" if model and model.startswith("claude-") else None
    region = None if geography in NOT_A_REGION else geography
    return (provider, model or None, tier or None, speed or None, region, tier == "batch")
