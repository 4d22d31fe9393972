"""ChatGPT Enterprise and Business user report: who has a seat and how many messages they sent, no tokens and no money.

Generations read: 2025 (30 columns) and 2026 (with `credits_used`). One row is a person in a week, a month or a range of
dates. The report tells nothing that is billed by use, so a row counts nothing: no tokens, no requests, no cost of its
own. It is covered by the plan (``included``). What a weekly and a monthly report of the same time say never adds up to
anything.

Tags hold what a reader may want: `messages`, `messages_by_model` as JSON (the cell is how Python prints a dictionary,
``{'gpt-5': 42}``), `credits_used`, `department` (from a list such as ``["legal"]``), `cadence`, `role`, `status` and
`active`. Blank is unknown, not zero: invited people have no messages yet. `user` is the e-mail address. Names,
groups, and the names of projects, tools and custom GPTs stay in the file.

`period_end` is the last day of the period, so the period ends a day later. The identity is the person (the public id,
else the e-mail address) in one period of one cadence and account: a newer report replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

LABELS = {"cadence": "cadence", "role": "user_role", "status": "user_status", "active": "is_active"}
TEXTS = ("account_id", "public_id", "email", "department", "model_to_messages", "credits_used", *LABELS.values())
COLUMNS: dict[str, Kind] = {
    "period_start": "instant",
    "period_end": "instant",
    "messages": "integer",
    **dict.fromkeys(TEXTS, "text"),
}
GRAINS = {"daily": "day", "monthly": "month"}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each person and period, which counts nothing."""
    import polars as pl

    from tokenaudit.sources import expressions

    named = {label: pl.col(name) for label, name in LABELS.items()}
    counted = {"messages": pl.col("messages"), "messages_by_model": _json(pl.col("model_to_messages"))}
    told = {"credits_used": pl.col("credits_used"), "department": _list(pl.col("department"))}
    person = pl.coalesce("public_id", "email")
    faults = {
        "no person": person.is_null(),
        "no period": pl.any_horizontal(pl.col("period_start", "period_end").is_null()),
    }
    return rows.with_columns(
        charge_period_start=pl.col("period_start"),
        charge_period_end=pl.col("period_end") + pl.duration(days=1),
        granularity=pl.col("cadence").str.to_lowercase().replace_strict(GRAINS, default="period"),
        account=pl.col("account_id"),
        user=pl.col("email"),
        requests=pl.lit(0),
        cost_basis=pl.lit("included"),
        tags=expressions.tags(named | counted | told),
        person=person,
        reject=expressions.first_reason(faults),
    ).with_columns(
        identity=expressions.joined(("account", "person", "cadence", "charge_period_start", "charge_period_end"))
    )


def _json(cell: pl.Expr) -> pl.Expr:
    """Return a dictionary as Python prints it as JSON; null where it is empty."""
    import polars as pl

    text = cell.str.replace_all(r"'([^'\"]*)'(\s*:)", '"${1}"${2}')
    return pl.when(text != "{}").then(text)


def _list(cell: pl.Expr) -> pl.Expr:
    """Return the texts of a list, as JSON or as Python prints it, behind each other; null where it is empty."""
    import polars as pl

    inside = cell.str.strip_chars("[] ").str.replace_all(r"^[\"']|[\"']$", "").str.replace_all(r"[\"'],\s*[\"']", ", ")
    return pl.when(inside != "").then(inside)


SOURCE = Table(
    name="chatgpt-enterprise",
    title="ChatGPT Enterprise user report",
    provider="openai",
    merge="newest",
    authority="none",
    columns=COLUMNS,
    signatures=(frozenset({"cadence", "period_start", "period_end", "email", "model_to_messages"}),),
    usage=usage,
    known="chatgpt.com > Workspace settings > Analytics > Export: user report",
    tells="who has a seat, and how many messages (and credits) each person used in a week or month",
    lacks="tokens and money",
)
