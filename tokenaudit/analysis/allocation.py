"""Shared cost: charges that nobody alone has caused, split over teams, people or projects, month by month.

A charge that fits a rule becomes one for each value of the rule's dimension, with its part of all money and counts
(`split`), the rule's name in `allocation` and its share in `allocated_ratio`. What cannot be split stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.measures import EXACT, ratio
from tokenaudit.analysis.sight import RATIO
from tokenaudit.analysis.split import WIDE, split
from tokenaudit.analysis.teams import OWN, first_fit, with_branch, with_group, with_membership
from tokenaudit.org.match import fits, text
from tokenaudit.org.records import ALWAYS
from tokenaudit.schema import COUNTS, MONEY, TOKEN_CLASSES

if TYPE_CHECKING:
    from tokenaudit.org.map import OrgMap
    from tokenaudit.org.records import Allocation

MONTH = "org_month"
SUMS = (*COUNTS, "estimated_output_tokens", "unpriced_requests", "unpriced_tokens", "joined_tokens")
MEASURES = (*SUMS, *MONEY)
FINEST = pl.lit("0.000000000000000001").cast(EXACT)
"""What money is counted in."""
PART = "part_"
STEPS = 10**10
"""Weights are brought down to this sum, so that no product leaves 128 bits."""
PER_CENT = 10**8
"""Steps in one per cent."""
LOT = (MONTH, "billing_currency")
TARGETS = {"target": pl.String(), "weight": WIDE}


def allocated(charges: pl.DataFrame, rules: Sequence[Allocation], org: OrgMap) -> pl.DataFrame:
    """Add `allocation` and `allocated_ratio` to charges with teams, and split those that some of `rules` shares."""
    columns = {"allocation": pl.lit(None, pl.String), RATIO: pl.lit(None, EXACT)}
    rows = charges.with_columns(pl.col(pl.Categorical).cast(pl.String), **columns)
    if not rules:
        return rows
    taken = rows.with_columns(turn=first_fit(rows, rules))
    direct = taken.filter(pl.col("turn").is_null()).drop("turn")
    parts = [
        _shared(taken.filter(pl.col("turn") == at).drop("turn"), direct, rule, org) for at, rule in enumerate(rules)
    ]
    return pl.concat([direct, *parts])


def _shared(shared: pl.DataFrame, direct: pl.DataFrame, rule: Allocation, org: OrgMap) -> pl.DataFrame:
    """Return shared charges, split as a rule says."""
    sums = set(MEASURES)
    ordered = shared.sort(name for name in shared.columns if name not in sums).with_row_index("cell")
    named = ordered.with_columns(pl.struct(LOT).rank("dense").alias("lot"), allocation=pl.lit(rule.name))
    weights = _weights(named, direct, rule)
    whole = named.join(weights, on="lot", how="anti").with_columns(pl.lit(1, EXACT).alias(RATIO))
    cut = named.join(weights, on="lot", how="semi")
    return pl.concat([whole.select(shared.columns), _placed(_cut(cut, weights), rule, org).select(shared.columns)])


def _cut(cells: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Return each cell once for each `target` of its lot, with its parts."""
    exact = [pl.col(name).cast(WIDE) for name in SUMS] + [pl.col(name).to_physical().cast(WIDE) for name in MONEY]
    long = cells.select("lot", "cell", *exact).unpivot(
        MEASURES, index=["lot", "cell"], variable_name="name", value_name="amount"
    )
    parts = split(long.filter(pl.col("amount") != 0), weights).rename({"part": "amount"})
    wide = parts.pivot("name", index=["cell", "target"], values="amount").rename(lambda name: f"{PART}{name}")
    absent = [pl.lit(0, WIDE).alias(f"{PART}{name}") for name in MEASURES if f"{PART}{name}" not in wide.columns]
    share = ratio(pl.col("weight"), pl.col("weight").sum().over("lot"))
    copies = cells.drop(RATIO).join(weights.select("lot", "target", share.alias(RATIO)), on="lot")
    keys = [f"{PART}cell", f"{PART}target"]
    parted = copies.join(wide.with_columns(absent), left_on=["cell", "target"], right_on=keys, how="left")
    return parted.with_columns(_part(name) for name in MEASURES)


def _part(name: str) -> pl.Expr:
    """Return a part of a measure; what is unknown of the whole is unknown of its parts."""
    part = pl.col(f"{PART}{name}").fill_null(0)
    amount = (part.cast(pl.Decimal(38, 0)) * FINEST).cast(EXACT) if name in MONEY else part.cast(pl.Int64)
    return pl.when(pl.col(name).is_not_null()).then(amount).alias(name)


def _placed(parts: pl.DataFrame, rule: Allocation, org: OrgMap) -> pl.DataFrame:
    """Give parts to their targets, and look up what follows from them."""
    nobody = [pl.lit(None, pl.String).alias(name) for name in OWN.values()]
    given = parts.with_columns(pl.col("target").alias(rule.to))
    if rule.to == "team":
        return with_branch(given.with_columns(nobody), org)
    if rule.to == "user":
        return with_branch(with_membership(given, org), org)
    return with_group(given, org) if rule.to == "project" else given


# -- weights


def _weights(shared: pl.DataFrame, direct: pl.DataFrame, rule: Allocation) -> pl.DataFrame:
    """Return `lot`, `target` and `weight` (Int128, above 0) of the lots of shared charges."""
    lots = shared.select("lot", *LOT).unique()
    if rule.split == "fixed":
        rows = [(name, int(weight * PER_CENT)) for name, weight in rule.weights.items()]
        found = lots.join(pl.DataFrame(rows, TARGETS, orient="row"), how="cross")
    else:
        found = _driven(lots, direct.filter(fits(direct, rule.among, ALWAYS)), rule)
    total = pl.col("weight").sum().over("lot")
    small = pl.when(total > STEPS).then(pl.col("weight") * STEPS // total).otherwise("weight")
    return found.select("lot", "target", weight=small).filter(pl.col("weight") > 0)


def _driven(lots: pl.DataFrame, direct: pl.DataFrame, rule: Allocation) -> pl.DataFrame:
    """Return what the direct charges of each month weigh, by value of the rule's dimension."""
    cost = pl.col("effective_cost").sum().to_physical().cast(WIDE)
    choices = {
        "even": pl.lit(1, WIDE),
        "cost": pl.max_horizontal(cost, pl.lit(0, WIDE)),
        "tokens": pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum()).cast(WIDE),
        "requests": pl.col("requests").sum().cast(WIDE),
    }
    known = direct.with_columns(target=text(rule.to, direct.columns)).filter(pl.col("target").is_not_null())
    keys = LOT if rule.split == "cost" else (MONTH,)
    weighed = known.group_by(*keys, "target").agg(weight=choices[rule.split]).filter(pl.col("weight") > 0)
    return _in_currency(lots, weighed) if rule.split == "cost" else lots.join(weighed, on=MONTH)


def _in_currency(lots: pl.DataFrame, weighed: pl.DataFrame) -> pl.DataFrame:
    """Join lots with direct cost in their currency, where there is none in the only other one of the month."""
    own = lots.join(weighed, on=LOT)
    single = weighed.filter(pl.col("billing_currency").n_unique().over(MONTH) == 1).drop("billing_currency")
    others = lots.join(own, on="lot", how="anti").join(single, on=MONTH)
    return pl.concat([own, others.select(own.columns)])
