"""`tokenaudit check`: every budget and policy with its verdict, as a document and as findings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.analysis.measures import EXACT
from tokenaudit.render.document import Document
from tokenaudit.render.gate import Finding, Gate
from tokenaudit.render.numbers import plain, plural
from tokenaudit.reports.culprits import Culprits, culprits
from tokenaudit.reports.gate_notes import notes
from tokenaudit.reports.gate_tables import heading, tables
from tokenaudit.reports.gate_words import Row, excess, message, scope_text, subject
from tokenaudit.reports.judging import Judged, judge
from tokenaudit.reports.policies import Verdict, verdicts

if TYPE_CHECKING:
    from tokenaudit.budgets.cases import Case, Day
    from tokenaudit.budgets.load import Loaded, Origin
    from tokenaudit.config import Config
    from tokenaudit.store.store import Store

SCHEMA = "tokenaudit.check/1"
ROWS: dict[str, pl.DataType | type[pl.DataType]] = {
    "budget": pl.String,
    "scope": pl.String,
    "key": pl.String,
    "period_start": pl.Datetime("us", "UTC"),
    "period_end": pl.Datetime("us", "UTC"),
    "unit": pl.String,
    "spent": EXACT,
    "limit": EXACT,
    "used": EXACT,
    "forecast": EXACT,
    "p_over": EXACT,
    "verdict": pl.String,
    "over_on": pl.Date,
}
"""The columns of a row."""
POLICY_RULES = {"unattributed": "TA004", "unpriced": "TA005", "stale": "TA006", "rejected": "TA007", "no_data": "TA008"}
BUDGET_RULES = {"over": "TA001", "warn": "TA002", "unjudged": "TA003", "ok": "TA001"}
ORDER = {"over": 0, "unjudged": 1, "warn": 2, "ok": 3}
NAMED = 5
"""Limits that an error names before it only counts."""


def check(store: Store, config: Config, loaded: Loaded, day: Day, *, exit_zero: bool = False) -> Gate:
    """Judge budgets and policies of a configuration on a day."""
    beside = [policy.by for name, policy in loaded.policies.items() if name == "unattributed" and policy.level != "off"]
    judged = judge(store, config, loaded, day, beside)
    policies = list(verdicts(loaded.policies, judged, store, day))
    found = _Found(judged, policies, culprits(store, config, judged, day))
    code = exit_code(found.counts)
    code = 0 if exit_zero and code == 1 else code
    document = Document(
        schema=SCHEMA,
        head={"as_of": day.as_of, "exit_code": code},
        rows=machine_rows(found.table, judged.cases),
        tail={"policies": [_policy(item) for item in policies]},
        notes=tuple(notes(loaded, found.rows, judged, day)),
        heading=heading(day),
        sections=tables(found.rows, judged.cases, policies, found.kept()),
        footer=tuple(found.blame()),
    )
    return Gate(document, lambda: found.findings(loaded), tuple(found.errors()), code, heading(day)[0], found.counts)


def exit_code(counts: Mapping[str, int]) -> int:
    """Return 1 where anything is over, else 3 where anything could not be judged, else 0.

    >>> exit_code({"unjudged": 2, "over": 1}), exit_code({"warn": 1, "unjudged": 1}), exit_code({"warn": 1, "ok": 1})
    (1, 3, 0)
    """
    return 1 if counts.get("over") else 3 if counts.get("unjudged") else 0


class _Found:
    """Limits with their verdicts, days and culprits."""

    def __init__(self, judged: Judged, policies: Sequence[Verdict], why: Culprits) -> None:
        self.judged, self.policies = judged, policies
        self.table = _complete(judged, why)
        self.rows = self._worth()
        self.why: Mapping[tuple[int, str | None], list[Row]] = _grouped(why.largest)
        self.counts = Counter([item.verdict for item in policies])
        self.counts.update(dict(self.table.group_by("verdict").len().iter_rows()))

    def _worth(self) -> Sequence[Row]:
        """Return the rows that people want to see: of many values only those that are not ok."""
        whole = [number for number, case in enumerate(self.judged.cases) if not case.subject.each]
        return self.table.filter((pl.col("verdict") != "ok") | pl.col("case").is_in(whole)).to_dicts()

    def kept(self) -> dict[int, tuple[int, int]]:
        """Return how many rows each case has, and how many of them are ok."""
        ok = (pl.col("verdict") == "ok").sum()
        counts = self.table.group_by("case", maintain_order=True).agg(pl.len(), ok)
        return {case: (rows, kept) for case, rows, kept in counts.iter_rows()}

    def pairs(self) -> Iterator[tuple[Row, Case]]:
        """Yield each of those rows with its case."""
        for row in self.rows:
            yield row, self.judged.cases[row["case"]]

    def findings(self, loaded: Loaded) -> list[Finding]:
        """Return a finding for each limit and policy, the worst first."""
        found = [self._finding(row, self.judged.cases[row["case"]], loaded) for row in self.table.iter_rows(named=True)]
        return sorted([*found, *(_of_policy(item, loaded) for item in self.policies)], key=lambda it: ORDER[it.verdict])

    def _finding(self, row: Row, case: Case, loaded: Loaded) -> Finding:
        return _finding(row, case, loaded.origins[case.budget.id](), message(row, case, self._blamed(row)))

    def _blamed(self, row: Row) -> list[Row]:
        return self.why.get((row["case"], row["key"]), [])

    def blame(self) -> Iterator[str]:
        """Yield a sentence on each limit that is over, with its culprits."""
        for row, case in self.pairs():
            if row["verdict"] == "over" and (row["case"], row["key"]) in self.why:
                text = message(row, case, self._blamed(row))
                yield f"{text[:1].upper()}{text[1:]}."

    def errors(self) -> Iterator[str]:
        """Yield a sentence on all that is over, and one on all that could not be judged."""
        over = [excess(row, case) for row, case in self.pairs() if row["verdict"] == "over"]
        spend = [item.text for item in self.policies if item.verdict == "over"]
        if over:
            yield f"{plural(len(over), 'limit')} over: {_listed(over)}"
        yield from spend
        unjudged = [subject(case, row["key"]) for row, case in self.pairs() if row["verdict"] == "unjudged"]
        lacking = [item.text for item in self.policies if item.verdict == "unjudged"]
        if unjudged or lacking:
            names = [f"{plural(len(unjudged), 'limit')} unjudged ({_listed(unjudged)})"] if unjudged else []
            yield f"cannot be judged: {'; '.join([*lacking, *names])}"


def _complete(judged: Judged, why: Culprits) -> pl.DataFrame:
    """Return the rows with the day on which they went over; those that leave out spend of their own are unjudged."""
    outside = pl.col("case").is_in(judged.outside["case"].to_list()) & (pl.col("verdict") != "over")
    rows = judged.rows.join(why.crossed, on=["case", "key"], how="left", nulls_equal=True, maintain_order="left")
    return rows.with_columns(verdict=pl.when(outside).then(pl.lit("unjudged")).otherwise("verdict"), outside=outside)


def _grouped(largest: pl.DataFrame) -> Mapping[tuple[int, str | None], list[Row]]:
    found: dict[tuple[int, str | None], list[Row]] = defaultdict(list)
    for row in largest.to_dicts():
        found[row["case"], row["key"]].append(row)
    return found


def machine_rows(rows: pl.DataFrame, cases: Sequence[Case]) -> pl.DataFrame:
    """Return rows, with the day on which they went over in `crossed`, in the columns of the contract.

    A forecast is not known.
    """
    told = [
        (number, case.budget.id, scope_text(case.budget), case.period.start, case.period.end)
        for number, case in enumerate(cases)
    ]
    names = ("case", "budget", "scope", "period_start", "period_end")
    schema = {name: ROWS.get(name, pl.Int64) for name in names}
    full = rows.join(pl.DataFrame(told, schema=schema, orient="row"), on="case", how="left", maintain_order="left")
    over_on = pl.when(pl.col("verdict") == "over").then("crossed").otherwise("over_on")
    unknown = [pl.lit(None, EXACT).alias(name) for name in ("forecast", "p_over")]
    return full.with_columns(*unknown, over_on=over_on).select(*ROWS)


def _finding(row: Row, case: Case, origin: Origin, words: str) -> Finding:
    name = " ".join(filter(None, (case.limit.period, case.unit, case.period.name, row["key"])))
    figures = {key: plain(row[key]) for key in ("spent", "limit", "used") if row[key] is not None}
    identity = f"{case.budget.id}/{row['key'] or ''}/{case.unit}/{case.limit.period}/{case.period.first}"
    group = f"budget.{case.budget.id}"
    return Finding(
        BUDGET_RULES[row["verdict"]], subject(case, row["key"]), row["verdict"], words, *origin, identity, group, name,
        {**figures, "unit": case.unit, "period": case.period.name},
    )  # fmt: skip


def _of_policy(item: Verdict, loaded: Loaded) -> Finding:
    figures = {"value": item.value, "limit": item.limit}
    told = {key: str(number) for key, number in figures.items() if number is not None}
    words = f"policy {item.policy}: {item.text}"
    rule, name = POLICY_RULES[item.policy], item.policy
    return Finding(
        rule, f"policy {name}", item.verdict, words, *loaded.policy_origin(), f"policy/{name}", "policy", name, told
    )


def _policy(item: Verdict) -> dict[str, Any]:
    """Return a policy in the keys of the contract."""
    return {"policy": item.policy, "value": item.value, "limit": item.limit, "verdict": item.verdict}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
