"""From the tables of a configuration file to records: every mistake is named with its file, its line and what to write.

Amounts are read as decimals, however they are written: no binary float touches money.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tokenaudit.errors import ConfigError, did_you_mean
from tokenaudit.terms import records
from tokenaudit.terms.checks import Fault, check_agreement, check_all, check_fx, check_price
from tokenaudit.terms.records import Agreement, Fx, Price, Terms

KINDS: dict[str, type[records.Record]] = {"price": Price, "agreement": Agreement, "fx": Fx}
"""Tables of the configuration, and what each is."""
KEYS = (*KINDS, "fx_file")
NESTED: dict[str, type[records.Record]] = {
    "rate": records.Rate,
    "tier": records.Tier,
    "commit": records.Commit,
    "credit": records.Credit,
    "flat": records.Flat,
}
"""Tables inside of an agreement."""
INSIDE = re.compile(r"\.(rate|tier|commit|credit|flat)(?:\[(\d+)\])?")
SPELT = {"to": "to|until"}
"""Keys with two spellings, as patterns."""
UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
CHECKS: dict[str, Callable[[Any], Iterable[Fault]]] = {
    "price": check_price,
    "agreement": check_agreement,
    "fx": check_fx,
}


class Place(NamedTuple):
    """Where something stands in a file."""

    path: Path
    text: str
    tables: tuple[tuple[str, int], ...]
    """The heading of each table down to it, and its number among its like, from 0."""

    @property
    def table(self) -> str:
        """Return the name of the outermost table."""
        return self.tables[0][0]

    def inside(self, name: str, number: int) -> Place:
        """Return the place of a table inside of this one."""
        return self._replace(tables=(*self.tables, (f"{self.table}.{name}", number)))

    def of(self, key: str = "") -> str:
        """Return file and line of a key of the table, or of its heading."""
        line = _line(self, SPELT.get(key, re.escape(key)))
        return f"`{self.path}:{line}`" if line else f"`{self.path}`"


def read_terms(found: Mapping[str, Any], path: Path) -> Terms:
    """Return the records of the tables KEYS of the configuration `path`. Raises ConfigError for the first mistake."""
    text = path.read_text(encoding="utf-8")
    made = {name: tuple(_records(name, found.get(name, []), path, text)) for name in KINDS}
    rates = (*made["fx"], *_rates_of_file(found.get("fx_file"), path))
    terms = Terms(prices=made["price"], agreements=made["agreement"], fx=rates)
    for fault in check_all(terms):
        raise ConfigError(f"{fault.text} in `{path}`", fault.hint)
    return terms


def _records(name: str, tables: Any, path: Path, text: str) -> Iterable[Any]:  # noqa: ANN401 - TOML not checked yet
    if not isinstance(tables, list):
        raise ConfigError(f"`{name}` is no list of tables in `{path}`", f"write [[{name}]]")
    for number, table in enumerate(tables):
        place = Place(path, text, ((name, number),))
        yield _checked(_converted(name, table, place), place)


def _checked(record: Any, place: Place) -> Any:  # noqa: ANN401 - one of KINDS
    for fault in CHECKS[place.table](record):
        at = place.inside(*fault.inside) if fault.inside else place
        raise ConfigError(f"{fault.text} in [[{at.tables[-1][0]}]] of {at.of(fault.key)}", fault.hint)
    return record


def _converted(name: str, table: Any, place: Place) -> Any:  # noqa: ANN401 - TOML that is not checked yet
    try:
        return msgspec.convert(_spelt(table), KINDS[name])
    except msgspec.ValidationError as error:
        raise _in_words(str(error), name, place) from error


def _spelt(table: Any) -> Any:  # noqa: ANN401 - TOML that is not checked yet
    """Return a table in which ``until`` is written ``to``, as the key has both spellings."""
    if isinstance(table, list):
        return [_spelt(item) for item in table]
    if not isinstance(table, dict):
        return table
    return {("to" if key == "until" and "on" not in table else key): _spelt(value) for key, value in table.items()}


def _in_words(message: str, name: str, place: Place) -> ConfigError:
    """Return the error for what msgspec said: ``... - at `$.rate[0].input```."""
    text, _, at = message.partition(" - at `$")
    inside = INSIDE.match(at)
    where = f"[[{name}.{inside[1]}]]" if inside else f"[[{name}]]"
    place = place.inside(inside[1], int(inside[2] or 0)) if inside else place
    if unknown := UNKNOWN.match(text):
        key, known = unknown[1], _keys(NESTED[inside[1]] if inside else KINDS[name])
        hint = did_you_mean(key, known) or f"keys are {', '.join(known)}"
        return ConfigError(f"unknown key `{key}` in {where} of {place.of(key)}", hint)
    key = (re.findall(r"\.([a-z_0-9]+)", at) or [""])[-1]
    said = f"{text[:1].lower()}{text[1:]}"
    about = f"cannot use `{key}` in {where}" if key else f"cannot use {where}"
    return ConfigError(f"{about} of {place.of(key)}: {said}")


def _keys(kind: type[records.Record]) -> list[str]:
    """Return the keys of a table."""
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _line(place: Place, key: str) -> int | None:
    """Return the line of a key, a pattern, in a table; or the line of the table where it is not found."""
    lines = place.text.splitlines()
    begin, end = 0, len(lines)
    for table, number in place.tables:
        head = re.compile(rf"\s*\[+(tool\.tokenaudit\.)?{re.escape(table)}\]")
        heads = [at for at in range(begin, end) if head.match(lines[at])]
        if number >= len(heads):
            break
        begin, end = heads[number], heads[number + 1] if number + 1 < len(heads) else end
    else:
        spelt = re.compile(rf"\s*(\[+[\w.]*)?\b({key})\b") if key else None
        return next((at for at in range(begin + 1, end) if spelt and spelt.match(lines[at])), begin) + 1
    return begin + 1 if begin else None


# -- exchange rates in a file of their own


def _rates_of_file(name: Any, config: Path) -> Iterable[Fx]:  # noqa: ANN401 - TOML that is not checked yet
    """Return the rates of a CSV file with the columns ``on,from,to,rate``; a relative path starts at the configuration.

    Raises ConfigError, naming the line, where it cannot be used.
    """
    if name is None:
        return
    if not isinstance(name, str):
        raise ConfigError(f"`fx_file` is no path in `{config}`", 'write fx_file = "rates.csv"')
    path = config.parent / Path(name).expanduser()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                yield _rate_of_row(row, f"`{path}:{number}`")
    except OSError as error:
        raise ConfigError(
            f"cannot read `{path}`: {error.strerror}", "it is the `fx_file` of the configuration"
        ) from error


def _rate_of_row(row: dict[str, str], where: str) -> Fx:
    columns = ("on", "from", "to", "rate")
    values = {name: (row.get(name) or "").strip() for name in columns}
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise ConfigError(f"no `{missing[0]}` in {where}", f"the columns are {','.join(columns)}")
    try:
        made = msgspec.convert(values, Fx)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{error} in {where}", "write lines such as 2026-10-01,EUR,USD,1.08") from error
    for fault in check_fx(made):
        raise ConfigError(f"{fault.text} in {where}", fault.hint)
    return made


# -- prices on the command line


def parse_assumed(text: str) -> Price:
    """Read ``PROVIDER/MODEL=INPUT/OUTPUT``, and after them cache reads and cache writes. Raises ConfigError.

    A model without a provider in front is of any. All are US dollars per million tokens.

    >>> parse_assumed("openai/gpt-9=2/8/0.2").cache_read
    Decimal('0.2')
    """
    name, equals, amounts = text.rpartition("=")
    provider, slash, model = name.partition("/")
    hint = "write PROVIDER/MODEL=INPUT/OUTPUT in dollars per million tokens, such as openai/gpt-9=2/8"
    try:
        prices = [Decimal(part.strip()) for part in amounts.split("/")]
    except ArithmeticError as error:
        raise ConfigError(f"cannot read the price `{text}`", hint) from error
    keys = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
    if not equals or not name or not 1 < len(prices) <= len(keys):
        raise ConfigError(f"cannot read the price `{text}`", hint)
    who = {"provider": provider, "model": model} if slash and provider not in ("*", "") else {"model": model or name}
    made = msgspec.convert({**who, "assumed": True, **dict(zip(keys, prices, strict=False))}, Price)
    for fault in check_price(made):
        raise ConfigError(f"{fault.text} in `{text}`", hint)
    return made
