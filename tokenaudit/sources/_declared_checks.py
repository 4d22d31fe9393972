"""What a ``[[source]]`` of the configuration must be: every mistake is named, with the nearest right word."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from tokenaudit.errors import ConfigError, PeriodError, did_you_mean
from tokenaudit.periods import timezone
from tokenaudit.sources import usage as canonical
from tokenaudit.sources._declaration import labels, mapped, read_as, signature
from tokenaudit.sources.source import FILE_NAME, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from tokenaudit.config import Declared
    from tokenaudit.sources.source import Source

    Fault = tuple[str, str]  # what is wrong, and a hint

NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
TIMES = ("iso", "epoch_s", "epoch_ms", "epoch_us")
WORDS = {
    "merge": ("largest", "newest"),
    "authority": ("bill", "usage", "gateway", "client"),
    "money": ("units", "cents", "micros"),
}
"""Keys of one word, and their words."""
MAPPABLE = tuple(name for name in canonical.COLUMNS if name != "response_id")
CONSTANTS: dict[str, type] = {
    **{name: str for name in MAPPABLE if canonical.COLUMNS[name] == "text"},
    "batch": bool,
    "requests": int,
}
"""Usage columns that may be constant, and of which type."""
TYPES = {str: "text", bool: "true or false", int: "a whole number"}
DERIVED = frozenset({"charge_period_end", "granularity", "provider", "billing_currency"})
"""Usage columns that are filled in where nothing says them."""
RESERVED = ("", "line", "fault", FILE_NAME)
"""What a table calls columns of its own."""
HINTS = {"response_id": 'write `identity = "..."` with the name of that column'}
SPOKEN = {"input_includes_cache": "input_tokens", "output_includes_reasoning": "reasoning_output_tokens"}
"""What keys are about."""


def check(declared: Declared, taken: Collection[str], path: Path | None) -> None:
    """Raise ConfigError for the first mistake in a declaration; `taken` are the names of other sources."""
    looks = (_words, _columns, _constants, _required, _identity, _readings)
    for fault, hint in chain(_names(declared, taken), *(look(declared) for look in looks)):
        raise ConfigError(f"{fault} in [[source]] `{declared.name}` of `{path}`", hint)


def check_order(declared: Iterable[Table], built_in: Iterable[Source]) -> None:
    """Raise ConfigError for a declared source that can never read a file, as another that goes first takes them all."""
    first = [(item.name, names) for item in built_in if isinstance(item, Table) for names in _certain(item)]
    for table in declared:
        (own,) = table.signatures
        taker = next((name for name, names in first if names <= own), None)
        if taker:
            fault = f"[[source]] `{table.name}` reads nothing: all files with its columns are read as `{taker}`"
            raise ConfigError(fault, "leave it out, or name a column in `match` that only its files have")
        first.append((table.name, own))


def _certain(table: Table) -> tuple[frozenset[str], ...]:
    """Return the signatures that are enough for a source to take a file, whatever else stands in it."""
    return table.signatures if table.records is None and not table.absent else ()


def _names(declared: Declared, taken: Collection[str]) -> Iterator[Fault]:
    if not re.fullmatch(NAME, declared.name):
        yield "a name that is none", "write lower-case words joined by `-`, such as `our-gateway`"
    if declared.name in taken:
        yield "a name that is taken", "choose another; `tokenaudit sources --no-config` lists those built in"


def _words(declared: Declared) -> Iterator[Fault]:
    for key, words in WORDS.items():
        yield from _unknown(key, getattr(declared, key), words)
    if "%" not in declared.time:
        hint = "write iso, epoch_s, epoch_ms, epoch_us, or a pattern such as %d.%m.%Y"
        yield from _unknown("time", declared.time, TIMES, hint)
    try:
        timezone(declared.timezone)
    except PeriodError as error:
        yield error.message, error.hint or ""


def _unknown(what: str, word: str, known: Sequence[str], hint: str = "") -> Iterator[Fault]:
    if word not in known:
        yield f"unknown {what} `{word}`", did_you_mean(word, tuple(known)) or hint or f"write one of {', '.join(known)}"


def _columns(declared: Declared) -> Iterator[Fault]:
    """Look at both sides of the mapping."""
    for name, column in declared.columns.items():
        yield from _usage_column(name)
        if not isinstance(column, str) and name != "tags":
            yield f"`{name}` is several columns", "name one; only `tags` takes several"
    for column in (*mapped(declared).values(), *labels(declared).values(), *signature(declared)):
        if column in RESERVED:
            yield f"a column called `{column}`, which cannot be read", "rename it in the file"


def _usage_column(name: str) -> Iterator[Fault]:
    if name not in MAPPABLE:
        hint = HINTS.get(name) or did_you_mean(name, MAPPABLE)
        yield f"unknown usage column `{name}`", hint or "docs/counting.md lists the usage table"


def _constants(declared: Declared) -> Iterator[Fault]:
    for name, value in declared.constants.items():
        yield from _usage_column(name)
        if name not in CONSTANTS:
            yield f"`{name}` cannot be constant", f"constants are {', '.join(CONSTANTS)}"
        elif type(value) is not CONSTANTS[name]:
            yield f"the constant `{name}` is not {TYPES[CONSTANTS[name]]}", f"it is `{value}`"
        elif name in canonical.ALLOWED:
            yield from _unknown(name, str(value).lower(), canonical.ALLOWED[name])


def _required(declared: Declared) -> Iterator[Fault]:
    """Look for what no row can be counted without."""
    said = {*declared.columns, *declared.constants}
    if "charge_period_start" not in said:
        yield "no `charge_period_start`", "name the column that holds the time in `columns`"
    if "request_model" not in said:
        yield "no `request_model`", "name the column that holds the model in `columns`, or the model in `constants`"
    if declared.columns.keys().isdisjoint(canonical.AMOUNTS):
        yield "nothing to count", f"map one of {', '.join(canonical.AMOUNTS)}"
    if declared.constants.get("granularity") == "period" and "charge_period_end" not in said:
        yield "a period without `charge_period_end`", "name the column that holds it in `columns`"


def _identity(declared: Declared) -> Iterator[Fault]:
    said = {*declared.columns, *declared.constants, *DERIVED}
    for name in () if isinstance(declared.identity, str) else declared.identity:
        yield from _usage_column(name)
        if name not in said:
            yield f"identity names `{name}`, which no column holds", "map it, or leave it out of the identity"
    if declared.merge == "newest" and not declared.identity:
        hint = 'name what a newer file replaces, such as identity = ["charge_period_start", "user", "request_model"]'
        yield "merge = `newest` without `identity`", hint


def _readings(declared: Declared) -> Iterator[Fault]:
    """Look for columns read in two ways, and for words about columns that nothing maps."""
    kinds: dict[str, str] = {}
    for column, kind in read_as(declared):
        if kinds.setdefault(column, kind) != kind:
            yield f"column `{column}` is read both as {kinds[column]} and as {kind}", "map it to columns of one kind"
    for key, name in SPOKEN.items():
        if getattr(declared, key) is not None and name not in declared.columns:
            yield f"{key} without `{name}`", f"map `{name}`: the key is about its column"
