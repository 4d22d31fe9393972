"""Google Vertex AI request-response log: calls of Gemini and Claude as BigQuery keeps them.

Read are exports of the table as JSON lines, a JSON array, CSV or Parquet. The response stands in `full_response`, else
in `response_payload`: an object, its text, or the chunks of a stream. Of a request only the labels are kept, never
what was asked.

Classes. Gemini's prompt includes what was read from a cache, its output is candidates and thoughts together, and the
results of tools are input. Claude's counts are disjoint. Of a stream's chunks the last counts stand. Failed calls have
no response or one that is an error, and are no rows. A response without its usage is counted from its texts and those
of the request, by characters, and marked ``estimated``; without any text it is refused.

Who and what. Account and region are the project and location of the endpoint, where it names them. Labels become tags;
one that is called `user`, `user_email`, `email` or `user_id` names the user.

A trap: the log is a sample. Whoever set it up chose the share of calls that it holds (`samplingRate`), and nothing in
it says which: with less than 1.0 the tokens are too few, and Google's bill is right.

What replaces what. The identity is `request_id`, where it is missing the id of the response. Money is on the bill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events
from tokenaudit.sources._bodies import anthropic_parts, usage_of
from tokenaudit.sources._documents import DOCUMENT, at, is_document
from tokenaudit.sources._envelope import assembled, first_name, short, tags_of
from tokenaudit.sources._packed import DamagedError
from tokenaudit.sources._signature import PARQUET, field_names
from tokenaudit.sources._texts import estimated
from tokenaudit.sources.lines import BLANK, BOM, open_binary
from tokenaudit.sources.source import Decoded, Log, Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tokenaudit.sources.head import Head

Record = dict[str, Any]
RESPONSES = ("full_response", "response_payload")
USERS = ("user", "user_email", "email", "user_id", "principal_email")
TELLING = frozenset({"logging_time", "request_id"})
MODELS = ("model", "modelVersion")
READ = {*TELLING, *RESPONSES, "endpoint", "model", "api_method", "full_request", "metadata"}
BROKEN = "\x00broken"
"""Key of what stands for text that is no JSON."""
LONGEST_HEADER = 1 << 14
LONGEST_CELL = (1 << 31) - 1
BATCH_ROWS = 10_000


def detect(head: Head) -> bool:
    """Say whether a table has the columns of the log."""
    names = field_names(head)
    return names >= TELLING and not names.isdisjoint(RESPONSES)


def decode(tail: Tail) -> Decoded:
    """Read the unread lines of a file, or the whole of a document or table."""
    return _reader(tail.path)(tail)


def _reader(path: str) -> Callable[[Tail], Decoded]:
    """Return how to read a file, by its first bytes."""
    if is_document(path):
        return _document
    with open_binary(path) as file:
        start = file.read(1 << 12)
    if start.startswith(PARQUET):
        return _parquet
    return _lines if start.removeprefix(BOM).lstrip(BLANK).startswith(b"{") else _csv


def rows(value: object, _: object) -> Iterator[_events.Row]:
    """Yield the row of a record, and of each element of an array."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict) and not TELLING.isdisjoint(item):
            yield from _rows(item)


def _rows(record: Record) -> Iterator[_events.Row]:
    body = next((found for name in RESPONSES if (found := _body(record.get(name)))), {})
    if not body or body.get("error"):
        return
    columns = usage_of(body) or _estimated(record, body)
    if columns is None or BROKEN in body:
        yield {"reject": "the response is not whole JSON" if BROKEN in body else "a response without usage"}
        return
    row = {**columns, **_who(record), **_what(record, body)}
    yield row
    usage = body["usage"] if isinstance(body.get("usage"), dict) else {}
    for part in anthropic_parts(usage):
        named = {"identity": f"{row['identity']}\x1f{part.position}", "request_model": part.model}
        yield {**row, **part.columns, **{name: value for name, value in named.items() if value}}


def _estimated(record: Record, body: Record) -> Record | None:
    """Return the columns of a response without usage, from its texts; None where nothing was logged to count."""
    told = next((told for name in RESPONSES if (told := _parsed(record.get(name)))), None)
    answers = list(map(_parsed, told)) if isinstance(told, list) else [body]
    return estimated(_parsed(record.get("full_request")), answers, short(record.get("model")) or "gemini")


def _body(value: object) -> Record:
    """Return the response in a cell: itself, its text, or its chunks put together; nothing where there is none."""
    told = _parsed(value)
    if isinstance(told, list):
        return assembled(map(_parsed, told))
    return told if isinstance(told, dict) else {}


def _parsed(value: object) -> object:
    if not isinstance(value, str) or not value:
        return value
    try:
        return DOCUMENT.decode(value)
    except (ValueError, RecursionError):
        return {BROKEN: True}


def _what(record: Record, body: Record) -> Record:
    """Return identity, time and model of a call."""
    name = short(record.get("request_id")) or first_name((body,), ("responseId", "id"))
    time = record.get("logging_time")
    return {
        "identity": name,
        "charge_period_start": time.replace(" UTC", "+00:00") if isinstance(time, str) else time,
        "provider": "google",
        "request_model": short(record.get("model")) or first_name((body,), MODELS) or _after(record, "models"),
        "reject": None if name else "no request_id",
    }


def _who(record: Record) -> Record:
    """Return account, region, user and tags of a call."""
    labels = at(_parsed(record.get("full_request")), "labels")
    known = {str(key): short(value) for key, value in labels.items()} if isinstance(labels, dict) else {}
    metadata = _parsed(record.get("metadata"))
    return {
        "account": _after(record, "projects"),
        "region": _after(record, "locations"),
        "user": first_name([place for place in (known, metadata) if isinstance(place, dict)], USERS),
        "tags": tags_of({**known, "api_method": short(record.get("api_method"))}),
    }


def _after(record: Record, name: str) -> str | None:
    """Return what follows a word in the path of the endpoint: ``projects/<this>/locations/<or this>``."""
    _, found, rest = f"/{record.get('endpoint') or ''}".partition(f"/{name}/")
    return rest.split("/")[0] if found else None


def _of_csv(path: str) -> Iterator[tuple[int, Record]]:
    """Yield the rows of CSV with their numbers; DamagedError where it is none."""
    import csv
    import io

    csv.field_size_limit(LONGEST_CELL)
    from tokenaudit.sources.head import delimiter

    with open_binary(path) as start:
        mark = delimiter(start.readline(LONGEST_HEADER).decode("utf-8", "replace"))
    with io.TextIOWrapper(open_binary(path), "utf-8-sig", "replace", newline="") as file:  # type: ignore[type-var]
        try:
            for number, row in enumerate(csv.DictReader(file, delimiter=mark), 2):
                yield number, {str(name).strip().lower(): value for name, value in row.items()}
        except csv.Error as error:
            raise DamagedError(str(error)) from error


def _of_parquet(path: str) -> Iterator[tuple[int, Record]]:
    """Yield the rows of Parquet with their numbers; DamagedError where it is none."""
    import polars as pl
    from polars import selectors

    texts = [
        selectors.datetime().dt.to_string("iso:strict"),
        selectors.decimal().cast(pl.String).str.replace(r"\.0+$", ""),
    ]
    try:
        found = [name for name in pl.read_parquet_schema(path) if name in READ]
        table = pl.scan_parquet(path).select(found).with_row_index("line", 1).with_columns(texts)
        for batch in table.collect_batches(chunk_size=BATCH_ROWS):
            for row in batch.iter_rows(named=True):
                yield row.pop("line"), row
    except pl.exceptions.PolarsError as error:
        raise DamagedError(str(error)) from error


_lines, _document = _events.lines(rows), _events.document(rows)
_csv, _parquet = _events.table(rows, _of_csv), _events.table(rows, _of_parquet)

SOURCE = Log(
    name="vertex-log",
    title="Google Vertex AI request-response log",
    provider="google",
    authority="usage",
    rules=2,
    detect=detect,
    decode=decode,
    forms=("lines", "document", "table"),
    known="BigQuery > the table of your request-response logging > Export, as JSON lines, CSV or Parquet",
    tells="tokens by call and model, of Gemini and Claude, and the labels of the request",
    lacks="money; the calls that were not sampled",
)
