"""Cursor usage events (`usage-events-*.csv` and the older `usage-details`, `usage-tokens`): one row a request.

Generations read: from August 2025 (`Tokens` only; `User`, `Kind`, `Cost ($)`) to June 2026 (`Cloud Agent ID`,
`Automation ID`), of persons and of teams on a token plan (`Cost`) or a request plan (`Requests`), and the header with
`Cost to you`. Pages of the Admin API (`filtered-usage-events`: `usageEvents`) and of the dashboard's own API
(`usageEventsDisplay`), and their events on lines of their own, hold the same events in JSON.

Classes. The two input columns are disjoint: "w/ Cache Write" is input that was written to the cache, "w/o" input that
was not; the total is the sum of the four columns. A row that tells only its total counts as uncached input, marked
`estimated`.

Money. `Cost` is a nominal amount, so it is the list cost. It was billed where `Kind` is ``On-Demand`` or
``Usage-based``, or a newer kind we do not know; `Cost to you` is billed wherever it stands. ``Included`` and ``free``
rows are covered by the plan. Errored and aborted rows and those on a ``User API Key`` cost 0 here: the first are not
charged, the last are on the bill of the model's vendor. All of them count as requests. The API states cents with
fractions: `totalCents` is the nominal amount, `chargedCents` (with Cursor's token fee, after a discount) is billed
where the kind is charged. It also stands in covered and errored events, where nobody pays it; so it does where
`isChargeable` is false.

What replaces what. There is no event id, and Cursor changes `Cost` and `Kind` afterwards. The identity is the event's
millisecond, model and total tokens; the newest download wins. The total stands in every generation, where the four
counts do not, so that the same event in an old and a new export is one. The user is no part of it: a team's export
and a person's own (no `User`, or ``You``) hold the same events, and so does the API. Pages that were appended to one
file may overlap: there an event of one person counts once. `origin_rank` says how much a file tells of an event: 0 with
its user and classes, 1 without the user, 2 with only the total.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources._cursor_api import records
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

WRITTEN, UNCACHED = "input (w/ cache write)", "input (w/o cache write)"
OUTPUTS = ("output tokens", "output")
TOTALS = ("total tokens", "tokens")
COSTS = ("cost", "cost ($)")
CLASSES = (WRITTEN, UNCACHED, "cache read", *OUTPUTS)
COLUMNS: dict[str, Kind] = {
    "date": "instant",
    **dict.fromkeys(("user", "kind", "model", "max mode", "cloud agent id", "automation id"), "text"),
    **dict.fromkeys((*CLASSES, *TOTALS), "integer"),
    **dict.fromkeys((*COSTS, "cost to you"), "money"),
    **dict.fromkeys(("requests", "conversation"), "text"),
    **dict.fromkeys(("chargeable", "api"), "flag"),
}
COVERED = r"^(included|free)"
NOT_CHARGED = r"^(errored|aborted|user api key)"
MYSELF = "You"


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each event."""
    import polars as pl

    from tokenaudit.sources import expressions

    known = pl.any_horizontal(pl.col(CLASSES).is_not_null())
    classes = {
        "uncached_input_tokens": pl.col(UNCACHED).fill_null(0),
        "cache_read_input_tokens": pl.col("cache read").fill_null(0),
        "cache_creation_5m_input_tokens": pl.col(WRITTEN).fill_null(0),
        "output_tokens": pl.coalesce(*OUTPUTS, 0),
    }
    stated = pl.coalesce(*TOTALS, 0)
    total = pl.when(known).then(pl.sum_horizontal(classes.values())).otherwise(stated)
    user = pl.when(pl.col("user") != MYSELF).then("user")
    labels = {"kind": "kind", "max_mode": "max mode", "automation_id": "automation id", "plan_requests": "requests"}
    events = rows.with_columns(
        **classes | {"uncached_input_tokens": pl.when(known).then(UNCACHED).otherwise(stated)},
        **_money(),
        charge_period_start=pl.col("date"),
        user=user,
        session=pl.coalesce("cloud agent id", "conversation"),
        request_model=pl.col("model"),
        requests=pl.lit(1),
        tokens_basis=pl.when(known).then(pl.lit("reported")).otherwise(pl.lit("estimated")),
        tags=expressions.tags({label: pl.col(name) for label, name in labels.items()}),
        origin_rank=pl.when(~known).then(2).when(user.is_null()).then(1).otherwise(0),
        total=total,
        reject=expressions.first_reason({"no Date": pl.col("date").is_null(), "no Model": pl.col("model").is_null()}),
    ).with_columns(identity=expressions.joined(("charge_period_start", "request_model", "total")))
    return events.filter(_once())


def _once() -> pl.Expr:
    """Say which rows stay: all of the export, and of the API's the last of each person's event."""
    import polars as pl

    event = pl.concat_str("identity", pl.col("user").fill_null(""), separator="\x1f")
    told = pl.when(pl.col("api") & pl.col("reject").is_null()).then(event)
    return told.is_null() | told.is_last_distinct()


def _money() -> dict[str, pl.Expr]:
    """Return the nominal and the billed amount of an event, and what stands behind them."""
    import polars as pl

    kind = pl.col("kind").str.to_lowercase()
    nominal, own = pl.coalesce(*COSTS), pl.col("cost to you")
    free = kind.str.contains(NOT_CHARGED)
    excluded = pl.when(free | ~pl.col("chargeable")).then(~free.fill_null(value=False))
    covered = pl.coalesce(excluded, kind.str.contains(COVERED), (own == 0) & (nominal > 0))
    billed = pl.when(free).then(0).when(covered).then(None).otherwise(pl.coalesce(own, nominal))
    return {
        "list_cost": nominal,
        "billed_cost": billed.cast(pl.Decimal(38, 18)),
        "cost_basis": pl.when(covered).then(pl.lit("included")).when(billed.is_not_null()).then(pl.lit("billed")),
    }


SOURCE = Table(
    name="cursor-usage",
    title="Cursor usage events",
    provider="cursor",
    merge="newest",
    authority="bill",
    columns=COLUMNS,
    signatures=(
        frozenset({"date", "model", WRITTEN}),
        frozenset({"date", "model", "kind", "max mode", "tokens"}),
    ),
    records=records,
    usage=usage,
    known="cursor.com > Dashboard > Usage > Export: usage-events-<date>.csv; Admin API: /teams/filtered-usage-events",
    tells="every event with its tokens, its nominal amount and whether a plan covers it",
    lacks="the project; events on your own API key are billed by the model vendor",
)
