"""The JSON Schema of the configuration, made of the records that the configuration is read into."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from tokenaudit.budgets.declarations import Budget, Exemption, Policies
from tokenaudit.config import Config
from tokenaudit.org.records import Allocation, Section
from tokenaudit.schema import DIMENSIONS
from tokenaudit.terms.records import Agreement, Fx, Price, Record

DIALECT = "http://json-schema.org/draft-07/schema#"
PLAIN: dict[object, dict[str, Any]] = {
    str: {"type": "string"},
    Path: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    Decimal: {"type": "number"},
    date: {"type": "string", "format": "date"},
    Any: {},
}
INSTEAD: dict[str, Any] = {
    "budgets": tuple[Budget, ...],
    "policies": Policies,
    "org": Section,
    "allocations": tuple[Allocation, ...],
}
"""What fields of the configuration hold that it keeps as they are written."""
MONEY: dict[str, Any] = {
    "price": tuple[Price, ...],
    "agreement": tuple[Agreement, ...],
    "fx": tuple[Fx, ...],
    "fx_file": str,
}
"""Keys of the configuration that become one field of it, `Config.terms`."""


class Key(NamedTuple):
    """A key of a table."""

    key: str
    field: str
    needed: bool


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``tokenaudit.toml``."""
    whole = _record(Config)
    whole["properties"] |= {key: _type(kind) for key, kind in MONEY.items()}
    return {"$schema": DIALECT, "title": "tokenaudit.toml", **whole}


def _record(kind: type) -> dict[str, Any]:
    types, notes, keys = get_type_hints(kind) | (INSTEAD if kind is Config else {}), remarks(kind), _keys(kind)
    found = {
        key: {**_type(types[name]), **({"description": notes[name]} if name in notes else {})} for key, name, _ in keys
    }
    if kind is Exemption:
        found = {**{name: {"type": "string"} for name in DIMENSIONS}, **found}
    if issubclass(kind, Record) and "to" in found and kind is not Fx:
        found["until"] = found["to"]
    needed = [item.key for item in keys if item.needed]
    about = {"description": (kind.__doc__ or "").partition("\n")[0]}
    return {
        "type": "object",
        **about,
        "properties": found,
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }


def _keys(kind: type[Any]) -> list[Key]:
    """Return the keys that a record is read from."""
    if issubclass(kind, Record):
        return [Key(item.encode_name, item.name, item.required) for item in msgspec.structs.fields(kind)]
    named = [(item.metadata.get("key", item.name), item) for item in fields(kind)]
    return [
        Key(key, item.name, item.default is MISSING and item.default_factory is MISSING) for key, item in named if key
    ]


def _is_record(kind: object) -> bool:
    return isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, Record))


def _type(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a type, or what stands for one
    """Return the schema of the values of a type."""
    origin, parts = get_origin(kind), [part for part in get_args(kind) if part not in (type(None), Ellipsis)]
    if origin is Literal:
        return {"enum": parts}
    if origin in (Union, UnionType):
        choices = [_type(part) for part in parts]
        return choices[0] if len(choices) == 1 else {"anyOf": choices}
    if origin in (tuple, list):
        return {"type": "array", "items": _type(parts[0])}
    if origin in (Mapping, dict):
        return {"type": "object", "additionalProperties": _type(parts[1])}
    return _record(kind) if _is_record(kind) else dict(PLAIN[kind])


@cache
def remarks(kind: type) -> dict[str, str]:
    """Return what stands under the fields of a record, and of those it is made of, in their source."""
    found: dict[str, str] = {}
    for base in kind.__bases__:
        found |= remarks(base) if _is_record(base) and base is not Record else {}
    (body,) = ast.parse(inspect.getsource(kind)).body
    for one, other in zip(body.body, body.body[1:], strict=False):  # type: ignore[attr-defined]
        if isinstance(one, ast.AnnAssign) and isinstance(other, ast.Expr):
            found[ast.unparse(one.target)] = str(ast.literal_eval(other.value))
    return found
