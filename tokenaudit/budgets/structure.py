"""Tables of the configuration as records: unknown keys and wrong types are mistakes, and all of them are collected."""

from __future__ import annotations

import types
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tokenaudit.budgets.lines import Place
from tokenaudit.errors import did_you_mean

Record = TypeVar("Record")


class Mistake(NamedTuple):
    """Something that cannot be used, and where it stands."""

    place: Place
    text: str
    hint: str = ""


def record(kind: type[Record], table: object, place: Place, mistakes: list[Mistake]) -> Record | None:
    """Return a table as a record of a `kind`; None, and what is wrong with it in `mistakes`, where it is none."""
    if not isinstance(table, Mapping):
        mistakes.append(Mistake(place, f"`{place[-1]}` is no table", "write { key = value, ... }"))
        return None
    before, types_of, names = len(mistakes), _hints(cast("Hashable", kind)), keys(kind)
    mistakes += [unknown(key, place, list(names)) for key in table if key not in names]
    values = {
        names[key]: value_of(types_of[names[key]], value, (*place, key), mistakes)
        for key, value in table.items()
        if key in names
    }
    needed = [key for key, name in names.items() if name not in values and _is_needed(kind, name)]
    mistakes += [Mistake(place, f"no `{key}`", f"write `{key} = ...`") for key in needed]
    return kind(**values) if len(mistakes) == before else None


def value_of(kind: Any, value: object, place: Place, mistakes: list[Mistake]) -> Any:  # noqa: ANN401 - of any field
    """Return the value of a field of a type; what is wrong with it goes to `mistakes`."""
    inner = _record_in(kind)
    if inner is not None and get_origin(kind) is tuple:
        return _list(inner, value, place, mistakes)
    if inner is not None and not (isinstance(value, (int, Decimal)) and Decimal in get_args(kind)):
        return record(inner, value, place, mistakes)
    return _plain(kind, value, place, mistakes)


def unknown(key: str, place: Place, known: list[str]) -> Mistake:
    """Return the mistake of an unknown key, with the nearest known one."""
    return Mistake((*place, key), f"unknown key `{key}`", did_you_mean(key, known) or f"keys are {', '.join(known)}")


def keys(kind: type) -> dict[str, str]:
    """Return the names of a record's fields by the keys they are written as."""
    return {item.metadata.get("key", item.name): item.name for item in fields(kind)}


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)


def _is_needed(kind: type, name: str) -> bool:
    found = next(item for item in fields(kind) if item.name == name)
    return found.default is MISSING and found.default_factory is MISSING


def _record_in(kind: Any) -> type | None:  # noqa: ANN401 - a type, or what stands for one
    """Return the record that a type is, may be, or is a list of."""
    if is_dataclass(kind):
        return kind if isinstance(kind, type) else None
    if get_origin(kind) in (tuple, types.UnionType, Union):
        return next((found for part in get_args(kind) if (found := _record_in(part))), None)
    return None


def _list(kind: type, value: object, place: Place, mistakes: list[Mistake]) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        mistakes.append(Mistake(place, f"`{place[-1]}` is no list", "write [{ key = value, ... }]"))
        return ()
    return tuple(record(kind, item, (*place, number), mistakes) for number, item in enumerate(value))


def _plain(kind: Any, value: object, place: Place, mistakes: list[Mistake]) -> Any:  # noqa: ANN401 - of any field
    import msgspec

    try:
        return msgspec.convert(value, float if isinstance(value, str) and _is_number(kind) else kind)
    except msgspec.ValidationError as error:
        text = str(error).partition(" - at `")[0]
        mistakes.append(
            Mistake(place, f"`{place[-1]}` cannot be `{value}`: {text[:1].lower()}{text[1:]}", _words(kind, value))
        )
        return None


def _is_number(kind: Any) -> bool:  # noqa: ANN401 - a type, or what stands for one
    """Say whether a field is a number: msgspec would take a text for a Decimal."""
    return Decimal in (kind, *get_args(kind))


def _words(kind: Any, value: object) -> str:  # noqa: ANN401 - a type, or what stands for one
    words = [word for word in get_args(kind) if isinstance(word, str)]
    return (did_you_mean(str(value), words) or f"write one of {', '.join(words)}") if words else ""
