"""What a configuration and bills say of usage rows before anything is counted: names, accounts, plans."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.reports.people import org_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenaudit.config import Config
    from tokenaudit.store.store import Store

USER_ID = r'"user_id":"([^"\\]+)"'
"""The tag in which a bill keeps the id of a user whom it also knows by name."""


def with_names(store: Store, bills: Sequence[str], usage: pl.LazyFrame) -> pl.LazyFrame:
    """Give rows that only know the ids of a project (in `workspace`) and a user the names that bills have for them."""
    rows = store.rows().filter(pl.col("source").is_in(bills))
    texts = rows.select(pl.col("workspace", "project", "user", "tags").cast(pl.String))
    projects = _known(texts, pl.col("workspace"), "project")
    users = _known(texts, pl.col("tags").str.extract(USER_ID), "user")
    own, place = pl.col("project").cast(pl.String), pl.col("workspace").cast(pl.String)
    project = pl.when(own.is_null() | (own == place)).then(place.replace(projects)).otherwise(own)
    user = pl.col("user").cast(pl.String).replace(users)
    named = {"project": project} if projects else {}
    named |= {"user": user} if users else {}
    return usage.with_columns(expression.cast(pl.Categorical).alias(name) for name, expression in named.items())


def _known(rows: pl.LazyFrame, key: pl.Expr, name: str) -> dict[str, str]:
    """Return the names that ids have."""
    pairs = (
        rows.select(key.alias("key"), pl.col(name).alias("name")).drop_nulls().filter(pl.col("key") != pl.col("name"))
    )
    return dict(pairs.unique().sort("key", "name", descending=[False, True]).collect().iter_rows())


def declared(usage: pl.LazyFrame, config: Config) -> pl.LazyFrame:
    """Apply what the configuration declares: projects renamed, accounts named, logs of a plan marked as `included`."""
    if config.projects:
        renamed = pl.col("project").cast(pl.String).replace(dict(config.projects))
        usage = usage.with_columns(project=renamed.cast(pl.Categorical))
    if config.accounts:
        named = [pl.when(_of(item.source, item.user, config)).then(pl.lit(item.account)) for item in config.accounts]
        account = pl.coalesce(pl.col("account").cast(pl.String), *named)
        usage = usage.with_columns(account=account.cast(pl.Categorical))
    for plan in config.plans:
        covered = _of(plan.source, plan.user, config)
        if plan.first is not None:
            covered &= pl.col("charge_period_start") >= _midnight(plan.first)
        if plan.last is not None:
            covered &= pl.col("charge_period_start") < _midnight(plan.last + timedelta(days=1))
        basis = pl.when(covered.fill_null(value=False)).then(pl.lit("included", pl.Categorical))
        usage = usage.with_columns(cost_basis=basis.otherwise(pl.col("cost_basis")))
    return usage


def _of(source: str, user: str | None, config: Config) -> pl.Expr:
    """Say whether a row is of a source, and of a user if one is named, under whichever of the names of that person."""
    rows = pl.col("source") == source
    if user is None:
        return rows
    org = org_of(config)
    return rows & pl.col("user").cast(pl.String).is_in(org.spellings(user) if org else (user,))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
