"""The sentences under a report about the org map: what has no team or cost center, and what was shared out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.measures import known_sum, ratio
from tokenaudit.render.numbers import money, percent
from tokenaudit.reports.question import org_of

if TYPE_CHECKING:
    from tokenaudit.analysis.breakdown import Breakdown
    from tokenaudit.reports.question import Question

PLACES = {"team": "team", "cost_center": "cost center", "gl_code": "GL code"}
SPLITS = {
    "even": "evenly",
    "fixed": "by fixed weights",
    "cost": "by direct cost",
    "tokens": "by tokens",
    "requests": "by requests",
}


def org_sentences(found: Breakdown, question: Question) -> Iterator[str]:
    """Yield what a reader must know of what the org map did to these figures."""
    asked = [name for name in PLACES if name in found.by]
    if asked and org_of(question.config) is None:
        yield f"No {PLACES[asked[0]]} is known: [org] in the configuration says who is in which (docs/org.md)."
        return
    for name in asked:
        yield from _unallocated(found, name)
    yield from _shared(found, question)


def _unallocated(found: Breakdown, name: str) -> Iterator[str]:
    spend = pl.col("effective_cost")
    share = ratio(spend, spend.sum().over("billing_currency")).alias("share")
    sums = found.cube.group_by(name, "billing_currency").agg(known_sum("effective_cost")).with_columns(share)
    missing = sums.filter(pl.col(name).is_null(), spend.is_not_null()).sort("billing_currency")
    for currency, amount, part in missing.select("billing_currency", "effective_cost", "share").iter_rows():
        said = f" ({percent(part)})" if part else ""
        yield f"Unallocated: {money(amount, currency)}{said} has no {PLACES[name]}; see `tokenaudit org suggest`."


def _shared(found: Breakdown, question: Question) -> Iterator[str]:
    org = org_of(question.config)
    if org is None or "allocation" not in found.cube.columns:
        return
    rules = {item.name: item for item in org.allocations}
    parts = found.cube.filter(pl.col("allocation").is_not_null())
    sums = parts.group_by("allocation", "billing_currency").agg(known_sum("effective_cost"))
    for name, currency, amount in sums.sort("allocation", "billing_currency").iter_rows():
        rule = rules[name]
        worth = "unpriced cost" if amount is None else money(amount, currency)
        over = rule.to.replace("_", " ")
        yield f"Shared: {worth} of `{name}` in these figures, split {SPLITS[rule.split]} over {over}s."
