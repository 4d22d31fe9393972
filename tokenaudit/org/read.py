"""The entries of an org map: from the tables of the configuration and from CSV files that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from tokenaudit.errors import ConfigError, did_you_mean
from tokenaudit.org.places import Places
from tokenaudit.org.records import Allocation, Entries, Entry, Person, Place, Project, Rule, Team

if TYPE_CHECKING:
    from tokenaudit.config import Config

Kind = TypeVar("Kind", bound=Entry)
KINDS: dict[str, tuple[str, type[Entry]]] = {
    "person": ("people", Person),
    "team": ("teams", Team),
    "project": ("projects", Project),
    "rule": ("rules", Rule),
}
"""Arrays of ``[org]``: the field of `Entries` and the kind of each record."""
FILES: dict[str, type[Entry]] = {"people": Person, "teams": Team, "projects": Project}
"""Keys of ``[org]`` that name a CSV file, and what its rows are."""
FILE_KEYS = ("file", "columns")


def _keys(kind: type[Entry]) -> dict[str, str]:
    """Return the field of each key as people write it."""
    return {key: item.name for item in fields(kind) if (key := item.metadata.get("key", item.name))}


KEYS: dict[type[Entry], dict[str, str]] = {kind: _keys(kind) for kind in (Person, Team, Project, Rule, Allocation)}


def is_mapped(config: Config) -> bool:
    """Tell whether a configuration has an org map or shared cost at all."""
    return bool(config.org or config.allocations)


def entries(config: Config) -> Entries:
    """Return what a configuration says. ConfigError, with file and line, for what cannot be read."""
    places = Places(config.path)
    for key in config.org:
        if key not in (*KINDS, *FILES):
            _fail(places.key(places.table("org"), key), *_unknown("key", key, (*FILES, *KINDS), " in [org]"))
    found = {
        name: tuple(_tables(config.org.get(key, ()), f"org.{key}", kind, places)) for key, (name, kind) in KINDS.items()
    }
    for key, kind in FILES.items():
        if key in config.org:
            found[key] = (*_file(config.org[key], key, kind, places), *found[key])
    shared = tuple(_tables(config.allocations, "allocation", Allocation, places))
    return Entries(**{**found, "allocations": shared})  # type: ignore[arg-type]


def _tables(records: Any, table: str, kind: type[Kind], places: Places) -> Iterator[Kind]:  # noqa: ANN401 - TOML
    """Yield the records of an array of tables."""
    if not isinstance(records, (list, tuple)):
        _fail(places.entry(table, 0), f"`{table}` is no list of tables", f"write [[{table}]] above each")
    for number, record in enumerate(records):
        place = places.entry(table, number)
        yield _entry(record, kind, place, f" in [[{table}]]", partial(places.key, place))


def _entry(record: Any, kind: type[Kind], place: Place, where: str, at: Callable[[str], Place]) -> Kind:  # noqa: ANN401 - TOML
    """Return a record as an entry; `at` says where its keys are written."""
    import msgspec

    if not isinstance(record, dict):
        _fail(place, f"no table of keys{where}", "write `key = value` lines")
    names = KEYS[kind]
    for key in record:
        if key not in names:
            _fail(at(key), *_unknown("key", key, tuple(names), where))
    try:
        made = msgspec.convert({names[key]: value for key, value in record.items()}, kind)
    except msgspec.ValidationError as error:
        _fail(place, f"{_in_words(error, names)}{where}", None)
    return replace(made, place=place)


def _in_words(error: Exception, names: Mapping[str, str]) -> str:
    """Return msgspec's message with keys as they are written."""
    text, _, place = str(error).partition(" - at `$.")
    text = f"{text[:1].lower()}{text[1:]}"
    for key, name in names.items():
        place = place.replace(name, key) if place.startswith(name) else place
    return f"{text} at `{place[:-1]}`" if place else text


def _unknown(what: str, word: str, known: tuple[str, ...], where: str) -> tuple[str, str]:
    return f"unknown {what} `{word}`{where}", did_you_mean(word, known) or f"{what}s are {', '.join(known)}"


def _fail(place: Place, text: str, hint: str | None) -> NoReturn:
    raise ConfigError(f"{place}: {text}", hint)


# -- CSV files


def _file(named: Any, key: str, kind: type[Kind], places: Places) -> Iterator[Kind]:  # noqa: ANN401 - TOML
    """Yield the rows of a CSV file that ``[org]`` names, either alone or with the names of its columns."""
    place = places.key(places.table("org"), key)
    told = {"file": named} if isinstance(named, str) else named
    if not isinstance(told, dict) or not isinstance(told.get("file"), str) or set(told) - set(FILE_KEYS):
        hint = f'write {key} = "{key}.csv", or {key} = {{ file = "{key}.csv", columns = {{ user = "E-mail" }} }}'
        _fail(place, f"`{key}` names no file", hint)
    path = places.path.parent / Path(told["file"]).expanduser()
    columns = told.get("columns", {})
    for key_of_ours in columns:
        if key_of_ours not in KEYS[kind]:
            _fail(place, *_unknown("key", key_of_ours, tuple(KEYS[kind]), f" in the columns of `{key}`"))
    for line, row in _rows(path, place):
        spot = Place(path, line)
        yield _entry(_cells(row, kind, columns, spot), kind, spot, "", partial(_there, spot))


def _there(place: Place, _key: str) -> Place:
    return place


def _rows(path: Path, place: Place) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line and cells of each row of a CSV file that holds anything; the first row names the columns."""
    import csv
    import io

    text = _text(path, place)
    head, *_ = text.splitlines() or [""]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", restval="")
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        for row in reader:
            if row.get("") and "" not in names:
                _fail(Place(path, reader.line_num), "more cells than columns", f"quote cells that hold `{delimiter}`")
            if any(cell.strip() for cell in row.values() if isinstance(cell, str)):
                yield reader.line_num, {name.strip(): cell.strip() for name, cell in row.items() if name}
    except csv.Error as error:
        _fail(Place(path, reader.line_num), f"no CSV: {error}", "save it as CSV UTF-8")
    if len(names) > len(set(names)):
        _fail(Place(path, 1), "two columns of one name", "rename one of them")


def _text(path: Path, place: Place) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        _fail(place, f"cannot read `{path}`: {error.strerror}", "a relative path starts at the folder of this file")
    except UnicodeDecodeError:
        _fail(Place(path, 1), "not UTF-8", "save it as CSV UTF-8")


def _cells(row: Mapping[str, str], kind: type[Entry], columns: Mapping[str, str], place: Place) -> dict[str, Any]:
    """Return a row with our keys, empty cells left out. Columns must be ours, or be named in `columns`."""
    theirs = {name: key for key, name in columns.items()}
    for name in theirs:
        if name not in row:
            _fail(place._replace(line=1), *_unknown("column", name, tuple(row), ""))
    keys = KEYS[kind]
    named = {theirs.get(name, name.lower()): cell for name, cell in row.items()}
    own = "user" if "user" in keys else "name"
    for name in named:
        if name not in keys and not columns:
            hint = f'or name the columns that count: columns = {{ {own} = "..." }}'
            text, near = _unknown("column", name, tuple(keys), "")
            _fail(place._replace(line=1), text, f"{near}, {hint}")
    given: dict[str, Any] = {key: cell for key, cell in named.items() if key in keys and cell}
    return given | ({"aliases": _several(given["aliases"])} if "aliases" in given else {})


def _several(cell: str) -> list[str]:
    """Return the parts of a cell, separated by ``;`` or ``|``."""
    return [part.strip() for part in cell.replace("|", ";").split(";") if part.strip()]
