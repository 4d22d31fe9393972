"""Write a Claude Code home of invented sessions, of any size, for speed and memory measurements.

    python bench/gen_claude_home.py OUT_DIR MEGABYTES [--seed 7]

Writes ``OUT_DIR/.claude/projects/<slug>/<session>.jsonl``, ``<session>/subagents/agent-<id>.jsonl`` for sub-agents,
and ``OUT_DIR/truth.json``, which says what there is to count: each response once. The shape is that of real logs: a
response is written as one to three lines that share an id, only the last of which has the final output count; most
bytes are tool results, each written twice in its line; some sessions begin with lines that an older session holds too;
sizes of files spread over three orders of magnitude.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

MODELS = {"claude-opus-4-5-20251101": 50, "claude-sonnet-4-5-20250929": 30, "claude-haiku-4-5-20251001": 20}
PROJECTS = tuple(f"/home/dev/code/{name}" for name in ("web-shop", "ledger", "data-lake", "mobile", "infra", "search"))
BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = 60
MEDIAN_BYTES, SPREAD, LARGEST = 105_000, 1.55, 60_000_000
"""Sizes of files: log-normal, as in a home of 3,000 sessions."""
SUBAGENTS, REPLAYS = 0.4, 0.05
"""Shares of files that a sub-agent wrote, and that begin with an older session's lines."""
WORDS = (
    "parser",
    "tests",
    "pass",
    "reads",
    "one",
    "line",
    "at",
    "a",
    "time",
    "keeps",
    "byte",
    "offset",
    "\u2713",
    "na\u00efve",
)


@dataclass(slots=True)
class Truth:
    """What the home holds, each response counted once."""

    files: int = 0
    bytes: int = 0
    responses: int = 0
    uncached_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    output_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Return the sum of all classes."""
        parts = (self.uncached_input_tokens, self.cache_read_input_tokens, self.cache_creation_input_tokens)
        return sum(parts) + self.output_tokens

    def save(self, out: Path) -> None:
        """Write ``truth.json``."""
        (out / "truth.json").write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, out: Path) -> Truth:
        """Read ``truth.json``."""
        return cls(**json.loads((out / "truth.json").read_text(encoding="utf-8")))


class Text:
    """Text to fill lines with: slices of one pool, cut between words, already escaped for JSON."""

    def __init__(self, random: Random, size: int = 1 << 20) -> None:
        self.random = random
        words = random.choices(WORDS, k=size // 5)
        self.pool = json.dumps(" ".join(words) + "\n", ensure_ascii=False)[1:-1]

    def __call__(self, length: int) -> str:
        """Return about `length` characters."""
        start = self.pool.find(" ", self.random.randrange(max(1, len(self.pool) - length - 100)))
        return self.pool[start : self.pool.find(" ", start + length)]


@dataclass(slots=True)
class Session:
    """One transcript file while it is being written."""

    random: Random
    text: Text
    truth: Truth
    cwd: str
    name: str
    clock: datetime
    agent: str = ""
    lines: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, line: str) -> None:
        """Take in one line."""
        self.lines.append(line)
        self.size += len(line.encode()) + 1

    def tick(self, seconds: float) -> str:
        """Let time pass and return the instant as logged."""
        self.clock += timedelta(seconds=self.random.random() * seconds)
        return self.clock.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def head(self) -> str:
        """Return the fields that every line of the session begins with."""
        agent = f'"agentId":"{self.agent}",' if self.agent else ""
        return (
            f'"parentUuid":"{self.id(8)}","isSidechain":{"true" if agent else "false"},{agent}"userType":"external",'
            f'"cwd":"{self.cwd}","sessionId":"{self.name}","version":"2.1.140","gitBranch":"main"'
        )

    def id(self, size: int) -> str:
        """Return a random identifier of `size` bytes."""
        return f"{self.random.getrandbits(size * 8):0{size * 2}x}"

    def turn(self) -> None:
        """Add one request: what the tool said, then the response in one to three lines."""
        result = self.text(min(60_000, int(self.random.expovariate(1 / 4_000)) + 40))
        self.add(
            f'{{{self.head()},"type":"user","message":{{"role":"user","content":[{{"tool_use_id":"toolu_01{self.id(8)}",'
            f'"type":"tool_result","content":"{result}"}}]}},"uuid":"{self.id(16)}","timestamp":"{self.tick(90)}",'
            f'"toolUseResult":{{"stdout":"{result}","stderr":"","interrupted":false}}}}'
        )
        self.response()

    def response(self) -> None:
        """Add the lines of one response and book it."""
        random, truth = self.random, self.truth
        fresh, cached, written, output = (
            random.randrange(1, 40),
            random.randrange(160_000),
            random.randrange(9_000),
            random.randrange(20, 2_500),
        )
        model = random.choices(tuple(MODELS), tuple(MODELS.values()))[0]
        ids = f'"msg_01{self.id(11)}"', f'"req_011C{self.id(10)}"'
        last = random.choices((0, 1, 2), (30, 50, 20))[0]
        for block in range(last + 1):
            done = block == last
            usage = _usage(fresh, cached, written, output if done else random.randrange(1, 9))
            self.add(self.block(model, ids, usage, '"tool_use"' if done else "null"))
        truth.responses += 1
        truth.uncached_input_tokens += fresh
        truth.cache_read_input_tokens += cached
        truth.cache_creation_input_tokens += written
        truth.output_tokens += output

    def block(self, model: str, ids: tuple[str, str], usage: str, stop: str) -> str:
        """Return one line of a response."""
        return (
            f'{{{self.head()},"message":{{"model":"{model}","id":{ids[0]},"type":"message","role":"assistant","content":'
            f'[{{"type":"text","text":"{self.text(self.random.randrange(80, 1_500))}"}}],"stop_reason":{stop},'
            f'"stop_sequence":null,"usage":{usage}}},"requestId":{ids[1]},"type":"assistant","uuid":"{self.id(16)}",'
            f'"timestamp":"{self.tick(2)}"}}'
        )


def _usage(fresh: int, cached: int, written: int, output: int) -> str:
    return (
        f'{{"input_tokens":{fresh},"cache_creation_input_tokens":{written},"cache_read_input_tokens":{cached},'
        f'"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":{written}}},"output_tokens":{output},'
        f'"server_tool_use":{{"web_search_requests":0,"web_fetch_requests":0}},"service_tier":"standard","speed":"standard"}}'
    )


def sizes(total: int, random: Random) -> Iterator[int]:
    """Yield sizes of files until they sum up to `total` bytes."""
    while total > 0:
        size = int(min(LARGEST, MEDIAN_BYTES * math.exp(random.gauss(0, SPREAD)), max(total, 4_000)))
        total -= size
        yield size


def write(out: Path, megabytes: float, seed: int = 7) -> Truth:
    """Write a home of that many megabytes and its truth."""
    random, truth = Random(seed), Truth()
    text = Text(random)
    older: list[str] = []
    parent = ""
    for size in sizes(int(megabytes * 1_000_000), random):
        session = _session(random, text, truth)
        if parent and random.random() < SUBAGENTS:
            session.agent, session.name = session.id(8), parent
        elif random.random() < REPLAYS:
            for line in older:
                session.add(line)
        while session.size < size:
            session.turn()
        _save(out, session)
        older, parent = session.lines[:40] if not session.agent else older, session.name
    truth.save(out)
    return truth


def grow(out: Path, megabytes: float, seed: int) -> Truth:
    """Append new responses to files of a home, evenly over a tenth of them, and bring its truth up to date."""
    random, truth = Random(seed), Truth.load(out)
    text = Text(random)
    files = sorted((out / ".claude" / "projects").rglob("*.jsonl"))
    chosen = random.sample(files, max(1, len(files) // 10))
    for path in chosen:
        session = _session(random, text, truth)
        while session.size < megabytes * 1_000_000 / len(chosen):
            session.turn()
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in session.lines)
        truth.bytes += session.size
    truth.save(out)
    return truth


def _session(random: Random, text: Text, truth: Truth) -> Session:
    begin = BEGIN + timedelta(seconds=random.randrange(DAYS * 86_400))
    session = Session(random, text, truth, random.choice(PROJECTS), "", begin)
    session.name = session.id(16)
    return session


def _save(out: Path, session: Session) -> None:
    folder = out / ".claude" / "projects" / session.cwd.replace("/", "-")
    name = f"{session.name}/subagents/agent-{session.agent}.jsonl" if session.agent else f"{session.name}.jsonl"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(session.lines) + "\n", encoding="utf-8")
    session.truth.files += 1
    session.truth.bytes += session.size


def main() -> None:
    """Read the command line and write the home."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("megabytes", type=float)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    print(json.dumps(asdict(write(options.out, options.megabytes, options.seed))))


if __name__ == "__main__":
    main()
