"""Whose bill a row is on: the account of a provider, where a file names none, or calls it by another name.

* A bill or a count of the provider that names no account is of the one that its other files name: the only one without
  a bill of its own, else the only one with a bill. Where there are several they are of one account together.
* A log that names none is of the provider's only account, or of the one that bills its workspace. Where there are
  several it is tied to none.
* The log of a cloud names what its bill calls a part of an account: a project, a subscription, a linked account.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

KEY = "tie_account"
PLACE = "tie_workspace"
NAMES = {"provider": pl.String, "account": pl.String, "official": pl.Boolean}
"""Accounts as any source names them; `official` where it is the provider or its report that does."""


class Bills(NamedTuple):
    """The days of bills, each with its account as far as anything tells, and who is meant where no account stands."""

    days: pl.DataFrame
    """`source`, `provider`, `account`, `workspace`, `day`, `end`, `blank` and `item` of all rows of bills."""
    home: pl.DataFrame
    """`provider` and `home`: the account that exports without one are of; at most one for each provider."""


def settled(bills: pl.DataFrame, named: pl.DataFrame) -> Bills:
    """Fill in the accounts of bills.

    In: `Bills.days` as files have them, and `NAMES`. A bucket that a bill calls empty is of all workspaces that bills
    of its account name, if they name any.
    """
    home = _home(bills, named)
    filled = bills.join(home, on="provider", how="left").with_columns(account=pl.coalesce("account", "home"))
    places = filled.filter(pl.col("workspace").is_not_null()).select("provider", "account", place="workspace").unique()
    spoken = filled.filter("blank").join(places, on=["provider", "account"], how="left", nulls_equal=True)
    blank = spoken.with_columns(workspace=pl.coalesce("workspace", "place")).drop("place")
    return Bills(pl.concat([filled.filter(~pl.col("blank")), blank]).drop("home").unique(), home)


def _home(bills: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Return `Bills.home`."""
    billed = bills.select("provider", "account").drop_nulls().unique()
    places = bills.select("provider", place=_plain("workspace")).drop_nulls().unique()
    known = named.with_columns(place=_plain("account")).join(places, on=["provider", "place"], how="anti")
    best = known.filter(pl.col("official") == pl.col("official").max().over("provider")).select("provider", "account")
    others = _only(best.unique().join(billed, on=["provider", "account"], how="anti"))
    unbilled = others.join(bills, on="provider", how="anti")
    choices = [others.join(_silent(bills), on="provider", how="semi"), _only(billed), unbilled]
    return pl.concat(choices).unique("provider", keep="first", maintain_order=True)


def _silent(bills: pl.DataFrame) -> pl.DataFrame:
    """Return the `provider` of bills without an account, from sources that never name one."""
    lacks = pl.col("account").is_null()
    sources = bills.group_by("provider", "source").agg(some=lacks.any(), every=lacks.all()).filter("some")
    return sources.group_by("provider").agg(pl.col("every").all()).filter("every").select("provider")


def _only(accounts: pl.DataFrame) -> pl.DataFrame:
    """Return the account, as `home`, of each provider that has only one."""
    counted = accounts.group_by("provider").agg(home=pl.col("account").first(), several=pl.col("account").n_unique())
    return counted.filter(pl.col("several") == 1).drop("several")


def _plain(name: str) -> pl.Expr:
    return pl.col(name).str.to_lowercase()


def with_accounts(cells: pl.DataFrame, bills: Bills, exports: list[str]) -> pl.DataFrame:
    """Fill in accounts where there is no doubt, and add `doubtful` and `accounts`: how many a row may be of."""
    whole = bills.days.filter(pl.col("account").is_not_null()).select("provider", "account").unique()
    several = whole.group_by("provider").agg(accounts=pl.len().cast(pl.Int64)).filter(pl.col("accounts") > 1)
    nameless = bills.days.filter(pl.col("account").is_null())["provider"].unique()
    joined = _left(_left(_by_places(cells, bills.days), _only(whole).rename({"home": "billed"})), bills.home)
    official = pl.col("tie_source").is_in(exports)
    free = official | ~pl.col("provider").is_in(bills.days["provider"].unique().implode())
    account = pl.coalesce(KEY, pl.when(official).then("home"), "billed", pl.when(free).then("home"))
    together = official & pl.col("provider").is_in(nameless.implode())
    doubt = pl.col("tie_day").is_not_null() & account.is_null() & pl.col("accounts").is_not_null() & ~together
    return _left(joined, several).with_columns(account.alias(KEY), doubtful=doubt).drop("billed", "home")


def _left(cells: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    return cells.join(found, on="provider", how="left", maintain_order="left")


def _by_places(cells: pl.DataFrame, bills: pl.DataFrame) -> pl.DataFrame:
    """Give rows the account that bills their workspace, also where they take the workspace for an account."""
    of_bills = bills.filter(pl.col("workspace").is_not_null()).group_by("provider", place=_plain("workspace"))
    places = of_bills.agg(
        payer=pl.col("account").min(), part=pl.col("workspace").min(), payers=pl.col("account").drop_nulls().n_unique()
    ).filter(pl.col("payers") <= 1)
    billed = bills.select("provider", "account", is_billed=pl.lit(value=True)).unique()
    marked = cells.join(
        billed, left_on=["provider", KEY], right_on=["provider", "account"], how="left", maintain_order="left"
    )
    by = pl.coalesce(pl.when(pl.col("is_billed").is_null()).then(_plain(KEY)), _plain(PLACE))
    found = marked.with_columns(place=by).join(places, on=["provider", "place"], how="left", maintain_order="left")
    is_part = pl.col("part").is_not_null() & pl.col("is_billed").is_null()
    return found.with_columns(
        pl.when(is_part).then("payer").otherwise(KEY).alias(KEY),
        pl.when(is_part).then(pl.coalesce(PLACE, "part")).otherwise(PLACE).alias(PLACE),
    ).drop("is_billed", "place", "payer", "part", "payers")
