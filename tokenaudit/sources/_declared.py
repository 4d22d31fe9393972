"""From the ``[[source]]`` of a configuration to tables, built while the program runs.

Their rows are counted as those of the source `usage`, with which they share defaults and checks.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from tokenaudit.sources import usage as canonical
from tokenaudit.sources._declaration import own_id, read_as, rules, signature
from tokenaudit.sources._declared_checks import check
from tokenaudit.sources._documents import chosen
from tokenaudit.sources.source import Authority, Merge, Table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import polars as pl

    from tokenaudit.config import Declared


def tables(declarations: Iterable[Declared], built_in: Iterable[str], path: Path | None) -> dict[str, Table]:
    """Return the sources that a configuration, read from `path`, declares, by name in its order.

    ConfigError for the first mistake, such as a name that one of the `built_in` has.
    """
    taken, made = set(built_in), {}
    for declared in declarations:
        check(declared, taken, path)
        taken.add(declared.name)
        made[declared.name] = _table(declared, path)
    return made


def _table(declared: Declared, path: Path | None) -> Table:
    columns = dict(read_as(declared))
    return Table(
        name=declared.name,
        title=declared.title or "declared in the configuration",
        provider=declared.provider,
        merge=cast("Merge", declared.merge),
        authority=cast("Authority", declared.authority),
        columns=columns,
        signatures=(signature(declared),),
        records=chosen(columns),
        usage=partial(_usage, declared),
        once=own_id(declared) is not None and declared.merge == "newest",
        rules=rules(declared),
        known=f"files of your own, declared in {path}",
        tells="what its columns say",
        lacks="what no column of it says",
    )


def _usage(declared: Declared, rows: pl.LazyFrame) -> pl.LazyFrame:
    """From the file's columns to usage columns."""
    import polars as pl

    from tokenaudit.sources._declared_rows import canonical_rows
    from tokenaudit.sources.expressions import joined

    found = canonical.usage(canonical_rows(declared, rows))
    named = (
        {} if isinstance(declared.identity, str) or not declared.identity else {"identity": joined(declared.identity)}
    )
    return found.with_columns(reject=pl.coalesce("fault", "reject"), **named)
