"""What every source owes, whatever becomes of its samples: dressed, packed, grown, cut in two, quoted, spoilt.

The same facts give the same rows; what cannot be read costs itself only. ``TOKENAUDIT_THOROUGH=1`` tries each dress by
itself and spoils thousands of files instead of some.
"""

from __future__ import annotations

import json
import os
import re
import tracemalloc
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources import dress, test_every_source
from tests.sources.mutate import mutated, odd_documents, odd_rows
from tests.sources.test_every_source import SAMPLES, samples
from tokenaudit.ingest.run import ingest
from tokenaudit.sources import sources
from tokenaudit.sources.source import Log, Table, Tail
from tokenaudit.store import segments
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tokenaudit.ingest.summary import Summary

THOROUGH = bool(os.environ.get("TOKENAUDIT_THOROUGH"))
Files = dict[str, bytes]
"""Contents by path under the folder of samples."""

STRICT = "unknown columns are refused with a did-you-mean"
BYTES_OF_LINES = "what an unfinished response may have put out is estimated from the bytes of its lines"
CONTENT = "a response without an id is named by everything its line says"
SCHEMA = "BigQuery writes the fields of a record in the order of its schema, `key` before `value`"
NOT_DRESSED: dict[tuple[str, str], str] = {
    ("usage", "wider"): STRICT,
    ("usage", "noted"): STRICT,
    ("usage", "not utf-8"): STRICT,
    ("claude-code", "spaced"): BYTES_OF_LINES,
    ("api-response", "noted"): CONTENT,
    ("api-response", "not utf-8"): CONTENT,
    ("gcp-billing", "turned"): SCHEMA,
}
"""Dresses that change what a source says, and why."""
ROUNDS = {
    "csv": (("wider", "shuffled", "shouted", "tabs", "mark"), ("spreadsheet", "crlf", "blank lines"),
            ("european", "no last newline")),
    "lines": (("noted", "turned", "crlf", "mark"), ("spaced", "blank lines"), ("compact", "not utf-8", "glued")),
    "document": (("noted", "turned", "crlf", "mark"), ("one line",), ("tabs", "blank lines")),
}  # fmt: skip
"""Dresses worn one over the other, in three rounds; each kind of file has its own."""
TURNS = (0, 1, 2) if THOROUGH else (0,)
"""The first file of a source wears the first round, the second the second, and so on; then all move on."""


@pytest.fixture(autouse=True, scope="module")
def _quick() -> Iterator[None]:
    """Let nothing wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "sync", lambda _: None)
        yield


@cache
def plain(name: str) -> Files:
    """Return the samples of a source, unpacked."""
    return {
        path.relative_to(SAMPLES).as_posix().removesuffix(".gz"): dress.unpacked(path.read_bytes())
        for path in samples(name)
    }


def put(folder: Path, files: Files, suffix: str = "") -> list[str]:
    """Write files into a folder, and return their paths."""
    paths = [folder / f"{name}{suffix}" for name in files]
    for path, data in zip(paths, files.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return [str(path) for path in paths]


def stored(folder: Path) -> pl.DataFrame:
    """Return all rows of a store that is sound; labels with their keys in order."""
    rows = test_every_source.stored(folder)
    tags = [text and json.dumps(json.loads(text), sort_keys=True) for text in rows["tags"].to_list()]
    ordered = rows.with_columns(pl.Series("tags", tags, dtype=pl.String))
    return ordered.sort(ordered.columns, nulls_last=True)


def read(files: Files, suffix: str = "") -> tuple[pl.DataFrame, Summary]:
    """Return the rows that come of files, and how their ingest went."""
    with TemporaryDirectory() as folder:
        put(Path(folder, "files"), files, suffix)
        summary = ingest([str(Path(folder, "files"))], Path(folder, "store"))
        return stored(Path(folder, "store")), summary


@cache
def whole(name: str) -> pl.DataFrame:
    """Return the rows of a source's samples."""
    return read(plain(name))[0]


# -- dresses ----------------------------------------------------------------------------------------------------------
def dressed(name: str, data: bytes, labels: Iterable[str]) -> bytes:
    """Return a file in some dresses, those left out that change what it says."""
    for label in labels:
        worn = dress.DRESSES.get(dress.kind(data), {}).get(label)
        data = worn(data, sources()[name]) if worn and (name, label) not in NOT_DRESSED else data
    return data


PACKED: tuple[Callable[[str, bytes], tuple[str, bytes]], ...] = (
    lambda path, data: (f"{path}.gz", dress.gzipped(data)),
    lambda path, data: (f"{path}.zst", dress.zstandard(data)),
    lambda path, data: (f"{path}.zip", dress.zipped({path: data})),
)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", sources())
def test_dresses(name: str, turn: int) -> None:
    """Written by another program, saved again by a spreadsheet, packed: the rows are the same."""
    files: Files = {}
    for number, (path, data) in enumerate(plain(name).items(), turn + len(name)):
        rounds = ROUNDS.get(dress.kind(data), ((), (), ()))
        files |= dict([PACKED[number % 3](path, dressed(name, data, rounds[number % 3]))])
    rows, summary = read(files)

    assert [item for item in summary.files if item.status != "read"] == []
    assert rows.equals(whole(name))


EACH = [
    (name, kind, label)
    for name in sources()
    for kind in dict.fromkeys(map(dress.kind, plain(name).values()))
    for label in dress.DRESSES.get(kind, ())
    if (name, label) not in NOT_DRESSED
]


@pytest.mark.parametrize(("name", "kind", "label"), EACH if THOROUGH else EACH[:1])
def test_each_dress(name: str, kind: str, label: str) -> None:
    """Each dress by itself."""
    files = {
        path: dressed(name, data, (label,)) if dress.kind(data) == kind else data for path, data in plain(name).items()
    }
    assert read(files)[0].equals(whole(name))


def is_array_source(name: str) -> bool:
    """Say whether documents of a source may stand in one array: not where a program writes its own log."""
    return isinstance(sources()[name], Table) or name in (
        "api-response",
        "anthropic-batch",
        "bedrock-log",
        "vertex-log",
    )


@pytest.mark.parametrize("name", [*filter(is_array_source, sources())])
def test_lines_as_one_array(name: str) -> None:
    """Lines of JSON printed for people, as one array."""
    files = {
        path: dress.array(data, sources()[name]) if dress.kind(data) == "lines" else data
        for path, data in plain(name).items()
    }
    if files != plain(name):
        assert read(files)[0].equals(whole(name))


# -- files that grow, and come in pieces ------------------------------------------------------------------------------
UNFINISHED = ("lines", "document")
"""Kinds that are left for next time where they are cut inside a line or document."""


def cuts(data: bytes, random: Random) -> list[int]:
    """Return where a file ends while it grows: anywhere, or of a table of cells behind a line; at last its end."""
    inside = random.sample(range(len(data) + 1), k=5 if THOROUGH else 1)
    if dress.kind(data) not in UNFINISHED:
        inside = [data.rfind(b"\n", 0, at) + 1 for at in inside]
    return [*sorted(at for at in inside if at), len(data)]


@pytest.mark.parametrize("name", sources())
def test_files_that_grow(name: str) -> None:
    """Read again and again while it is being written, a file is the whole in the end, and nothing stays rejected."""
    random = Random(name)
    ends = {path: cuts(data, random) for path, data in plain(name).items() if dress.kind(data) != "database"}
    with TemporaryDirectory() as folder:
        files, store = Path(folder, "files"), Path(folder, "store")
        for step in range(max(map(len, ends.values()), default=0)):
            for path, stops in ends.items():
                put(files, {path: plain(name)[path][: stops[min(step, len(stops) - 1)]]})
            ingest([str(files)], store)
        put(files, plain(name))
        last = ingest([str(files)], store)
        again = ingest([str(files)], store)

        assert stored(store).equals(whole(name))
        assert again.total("new") == 0
        assert {item.status for item in last.files} <= {"read", "unchanged"}


IN_HEAD = "whose session it is, what it copies and which model answers, earlier lines of the file tell"
NOT_IN_TWO = {
    "claude-code/captures": IN_HEAD,
    "codex": IN_HEAD,
    "copilot-cli-events": IN_HEAD,
    "gemini-cli": IN_HEAD,
    "kimi/code": IN_HEAD,
    "pi": IN_HEAD,
    "continue-dev": "nothing names a line: equal ones of one file all count, those of two files are copies",
}
"""Files whose lines cannot stand without those before them, and why. While they grow they can, see above."""


def sides(name: str, path: str, data: bytes, random: Random) -> list[bool]:
    """Return for each line but a header whether it is of the second part: behind some line, or of a later bucket."""
    first = 2 if dress.kind(data) == "csv" else 1
    size = len(data.splitlines()) - first + 1
    at = random.randint(1, size - 1)
    if sources()[name].merge != "newest":
        return [line >= at for line in range(size)]
    with TemporaryDirectory() as folder:
        ingest(put(Path(folder), {path: data}), Path(folder, "store"))
        with Store.open(Path(folder, "store")) as store:
            start = pl.col("charge_period_start").min().over("response_id")
            rows = store.rows().select("line", start).collect()
    buckets = rows["charge_period_start"].unique().sort()
    later = set(rows.filter(pl.col("charge_period_start") >= buckets[len(buckets) // 2])["line"].to_list())
    return [line + first in later for line in range(size)]


def in_two(name: str, path: str, data: bytes, random: Random) -> list[bytes]:
    """Return a file cut in two, each part with the header; one part where there is nothing to cut."""
    lines = data.splitlines(keepends=True)
    header = lines.pop(0) if dress.kind(data) == "csv" else b""
    if dress.kind(data) not in ("csv", "lines") or len(lines) < 2:
        return [data]
    lines[-1] = lines[-1].rstrip(b"\r\n") + b"\n"
    later = sides(name, path, data, random)
    parts = [
        b"".join(line for line, second in zip(lines, later, strict=True) if second is side) for side in (False, True)
    ]
    return [header + part for part in parts if part]


@pytest.mark.parametrize("name", sources())
def test_files_in_two(name: str) -> None:
    """A log cut at a line, or an export between two of its buckets, is the whole again, in either order."""
    random = Random(name)
    files = {path: data for path, data in plain(name).items() if dress.kind(data) in ("csv", "lines")}
    for path in files if THOROUGH else random.sample([*files], min(1, len(files))):
        data = files[path]
        reason = next((NOT_IN_TWO[start] for start in NOT_IN_TWO if path.startswith(start)), None)
        parts = [data] if reason else in_two(name, path, data, random)
        if len(parts) < 2:
            continue
        expected = used(read({path: data})[0])
        for order in (parts, parts[::-1]):
            with TemporaryDirectory() as folder:
                for part in order:
                    ingest(put(Path(folder, str(parts.index(part))), {path: part}), Path(folder, "store"))
                assert used(stored(Path(folder, "store"))).equals(expected), path


def used(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that count."""
    return rows.filter(~pl.col("blank"))


# -- all together -----------------------------------------------------------------------------------------------------
def test_all_together_in_any_order() -> None:
    """All samples in one store, whichever was read when: the rows of each source are those of its samples alone."""
    files = {path: (name, data) for name in sources() for path, data in plain(name).items()}
    for seed in range(3 if THOROUGH else 1):
        with TemporaryDirectory() as folder:
            paths = put(Path(folder, "files"), {path: data for path, (_, data) in files.items()})
            Random(seed).shuffle(paths)
            for start in range(0, len(paths), 50):
                ingest(paths[start : start + 50], Path(folder, "store"))
            rows = stored(Path(folder, "store"))
        for name in sources():
            assert rows.filter(pl.col("source") == name).equals(whole(name)), name
        assert rows.height == sum(whole(name).height for name in sources())


# -- text that quotes usage -------------------------------------------------------------------------------------------
LOGS = [name for name, source in sources().items() if isinstance(source, Log)]
SPOKEN = ("text", "content", "prompt", "thinking", "output", "result", "body", "gen_ai.prompt", "our own note")
ESTIMATED = ("estimated_output_tokens", "output_parts", "response_id")
"""What may change with a text: estimates, and the name of a response that has no id."""
FROM_TEXT = ("api-response", "vertex-log")
"""Sources that count the text itself where a response has no usage: such rows follow their text."""


def quoting(value: Any, quote: str) -> Any:
    """Return JSON whose texts quote a line: every text of some length that is not JSON itself."""
    if isinstance(value, list):
        return [quoting(item, quote) for item in value]
    if not isinstance(value, dict):
        return value
    said = {key: quoting(item, quote) for key, item in value.items()}
    texts = {key: f"{item} {quote}" for key, item in said.items() if key in SPOKEN and is_prose(item)}
    return {**said, **texts}


def is_prose(value: object) -> bool:
    """Say whether something is text, and not JSON as text."""
    return isinstance(value, str) and not value.startswith(("{", "["))


def with_quotes(data: bytes) -> bytes:
    """Return a log that quotes its own lines: in every text it carries, and in a prompt beside each line."""
    found = dress.kind(data)
    if found == "document":
        return dress.dump(quoting(dress.load(data), data.decode())).encode()
    if found != "lines":
        return data
    made = []
    for line in dress.json_lines(data):
        quote = line.decode()
        prompt = {"type": "user", "text": quote, "prompt": quote, "message": {"role": "user", "content": quote}}
        made += [dress.dump(quoting(dress.load(line), quote)), dress.dump({**prompt, "content": [prompt]})]
    return "".join(f"{line}\n" for line in made).encode()


@pytest.mark.parametrize("name", LOGS)
def test_quoted_usage_never_counts(name: str) -> None:
    """A log that quotes lines of usage inside a prompt or an answer counts what it counted without them."""
    rows, _ = read({path: with_quotes(data) for path, data in plain(name).items()})
    kept = [column for column in rows.columns if column not in ESTIMATED]
    reported = pl.lit(value=True) if name not in FROM_TEXT else pl.col("tokens_basis") == "reported"
    found, expected = (frame.filter(reported).select(kept) for frame in (rows, whole(name)))

    assert found.sort(kept, nulls_last=True).equals(expected.sort(kept, nulls_last=True))


# -- what nobody expects ----------------------------------------------------------------------------------------------
def spoilt(data: bytes, random: Random) -> bytes:
    """Return a file that is followed by spoilt copies of its lines: each value, one after the other, an odd one."""
    found = dress.kind(data)
    if found == "csv":
        header, *rows = dress.cells(data)
        return dress.table([header, *rows, *(odd_rows(rows, random) if rows else ())])
    document = dress.load(data) if found == "document" else None
    array = isinstance(document, list)
    documents = document if isinstance(document, list) else [document]
    lines = [line.decode() for line in dress.json_lines(data)] if document is None else [*map(dress.dump, documents)]
    odd = [variant for line in lines for variant in odd_documents(line, random)]
    chosen = [*lines, *random.sample(odd, min(len(odd), 2000 if THOROUGH else 120))]
    return f"[{','.join(chosen)}]".encode() if array else "".join(f"{line}\n" for line in chosen).encode()


@pytest.mark.parametrize("name", sources())
def test_odd_values_cost_their_own_line(name: str) -> None:
    """Null, text, lists, negative and endless numbers where nobody expects them: all other rows still count."""
    random = Random(name)
    files = {path: data for path, data in plain(name).items() if dress.kind(data) in dress.DRESSES}
    if not files:
        pytest.skip("a database")
    rows, summary = read({path: spoilt(data, random) for path, data in files.items()})
    expected = whole(name) if files == plain(name) else read(files)[0]

    assert {item.status for item in summary.files} <= {"read"}
    assert set(expected["response_id"]) <= set(rows["response_id"])
    assert all(len(item.reason) < 400 for item in summary.rejects)


COPILOT = "copilot-cli-events/session-state/c0540000-0000-4000-8000-000000000001/events.jsonl"
KIMI = "kimi/cli/sessions/0f343b0931126a20f133d67c2b018a3b/51d2/wire.jsonl"
ONCE_FATAL = [
    ("bedrock-log/s3.jsonl", r'"timestamp": "[^"]*"', '"timestamp": 5'),
    (KIMI, r'"metadata"', '["metadata"]'),
    (KIMI, r'"chatcmpl-kimi-1"', "5"),
    (KIMI, r'"chatcmpl-kimi-1"', '{"a": 1}'),
    ("cline/cursor/1791363599990/ui_messages.json", r'"providerId": "anthropic"', '"providerId": ["a"]'),
    ("amp/T-5aa00000-0000-4000-8000-000000000001.json", r'"messageId": 1', '"messageId": [1]'),
    ("amp/later/T-5aa00000-0000-4000-8000-000000000001.json", r'"uri": "[^"]*"', '"uri": 5'),
    ("anthropic-batch/msgbatch_01Invented_results_2026-10-05.jsonl", r'"model": ?"[^"]*"', '"model":50'),
    (COPILOT, r'"selectedModel": "[^"]*"', '"selectedModel": ["a"]'),
    (COPILOT, r'"modelMetrics": ', '"modelMetrics": [], "m": '),
    ("api-response/openai.jsonl", r'"service_tier": ?"[^"]*"', '"serviceTier":{"type":["a"]}'),
    ("api-response/anthropic.jsonl", r'"usage":', '"type":{"a":1},"spent":'),
    ("litellm-spend-logs/spend_logs_v2.json", r'"startTime": "2026', '"startTime": "0000'),
    ("otlp/codex-and-gemini.jsonl", r'"key":"conversation.id"', '"key":["conversation.id"]'),
    ("otlp-metrics/app.json", r'"key": ?"[^"]*"', '"key":7'),
    ("openai-cost/costs.json", r'"currency"', '"unit"'),
    ("cursor-usage/request-plan.csv", r"2026-10-04T15:09:18.685Z", "2026-10-04T15:09:1e30Z"),
    ("cloudflare-gateway/logs.csv", r"\A([^\n]*)\n", "\\1,our own\rnote\n"),
    ("claude-code/captures/nightly-review.jsonl", r'"output_tokens":\d', '"output_tokens":' + "9" * 5000),
]
"""What somebody wrote into a sample, in place of what: each of these once ended the ingest of all files."""


@pytest.mark.parametrize(("path", "pattern", "odd"), ONCE_FATAL)
def test_values_that_ended_an_ingest(path: str, pattern: str, odd: str) -> None:
    """They cost their own rows, at most."""
    name = path.partition("/")[0]
    data, count = re.subn(pattern, odd, plain(name)[path].decode())
    rows, summary = read({**plain(name), path: data.encode()})

    assert count > 0
    assert {item.status for item in summary.files} == {"read"}
    others = read({other: text for other, text in plain(name).items() if other != path})[0]
    assert set(others["response_id"]) <= set(rows["response_id"])


@settings(max_examples=5000 if THOROUGH else 40)
@given(random=st.randoms(use_true_random=False), name=st.sampled_from([*sources()]))
def test_spoilt_files_end_no_ingest(random: Random, name: str) -> None:
    """Whatever bytes, lines, cells or values are cut, repeated or replaced: the ingest ends, and the store is sound."""
    path = random.choice(sorted(plain(name)))
    read({path: mutated(plain(name)[path], random)})


# -- long lines -------------------------------------------------------------------------------------------------------
MEGABYTE = b"x y " * (1 << 18)


def write_long(folder: Path, name: str, megabytes: int) -> Path:
    """Write a source's lines, a second time with a long text in the first of them, and return the file."""
    path, data = next((path, data) for path, data in plain(name).items() if dress.kind(data) == "lines")
    lines = dress.json_lines(data)
    made = folder / path
    made.parent.mkdir(parents=True)
    with made.open("wb") as file:
        file.write(lines[0][:-1] + b',"our own note":"')
        file.writelines([MEGABYTE] * megabytes)
        file.write(b'"}\n')
        file.writelines(line + b"\n" for line in lines)
    return made


@pytest.mark.parametrize("name", ["claude-code", "codex", "litellm-spend-logs", "openai-batch"])
def test_a_line_of_fifty_megabytes(name: str, tmp_path: Path) -> None:
    """It is read like any other, and so are those behind it."""
    path = write_long(tmp_path, name, 50)
    ingest([str(path)], tmp_path / "store")

    expected = read({path.relative_to(tmp_path).as_posix(): plain(name)[path.relative_to(tmp_path).as_posix()]})[0]
    assert stored(tmp_path / "store")["response_id"].equals(expected["response_id"])


@pytest.mark.parametrize("name", ["claude-code", "codex", "kimi"])
def test_a_prompt_of_a_hundred_megabytes(name: str, tmp_path: Path) -> None:
    """Memory is that of the line and a block, not of several copies."""
    source, path = sources()[name], write_long(tmp_path, name, 100)
    assert isinstance(source, Log)
    tracemalloc.start()
    made = source.decode(Tail(str(path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(made.columns["identity"]) > 0
    assert made.rejects == []
    assert made.offset == path.stat().st_size
    assert peak < 3 * 100 * len(MEGABYTE)
