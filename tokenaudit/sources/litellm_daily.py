"""LiteLLM's daily activity: the export of its usage page and API, by day and team, key, model or user.

Read are the four variants (`daily`, `daily_with_keys`, `daily_with_models`, `daily_with_users`) in both spellings, the
titled one of the usage page (`Date`, `Team ID`, `Spend ($)`, ``-`` for nothing, an apostrophe before what a spreadsheet
would compute) and the plain one (`date`, `entity_id`, `spend`), the API's JSON, and dumps of the
`LiteLLM_Daily...Spend` tables. Dates are UTC days.

Classes. Prompt includes cache reads and cache writes. An old export that has only total tokens counts them as uncached
input, marked `estimated`. Requests include failed ones and hits of LiteLLM's cache.

Money. `spend` is computed by LiteLLM, and so is `flat_cost` (reserved capacity): the sum is the reported cost, compared
and never counted. The titled spelling rounds to four decimals.

Who and where. The entity is a team (workspace), an organisation of LiteLLM, a customer or an agent (tags) or a user.
The plain spelling does not say which; then the file's name does, else it is taken for a team.

What replaces what. The identity is a day of an entity, so that of two variants of one export the newer stands. Exports
by team, by customer and so on are views of the same spend: take one of them. An export by tag counts a call once for
each of its tags, so its rows are rejected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import items
from tokenaudit.sources.source import FILE_NAME, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

FORMS: dict[str, tuple[str, ...]] = {
    "team": ("team id", "team_id"),
    "organization": ("organization id", "organization_id"),
    "customer": ("customer id", "end_user_id"),
    "agent": ("agent id", "agent_id"),
    "tag": ("tag id", "tag"),
    "entity": ("entity_id",),
    "alias": ("team", "team_alias", "organization", "customer", "agent", "user", "user_alias", "entity_alias"),
    "person": ("user email", "user_email", "user id", "user_id"),
    "person_id": ("user id", "user_id"),
    "key": ("key alias", "key_alias", "key id", "api_key"),
    "model_name": ("model", "model_group"),
    "seller": ("custom_llm_provider",),
}
"""What the spellings call the same thing: texts."""
COUNTS: dict[str, tuple[str, ...]] = {
    "calls": ("requests", "api_requests"),
    "prompt": ("prompt tokens", "prompt_tokens"),
    "output": ("completion tokens", "completion_tokens"),
    "total": ("total tokens", "total_tokens"),
    "read": ("cache read input tokens", "cache_read_input_tokens"),
    "written": ("cache creation input tokens", "cache_creation_input_tokens"),
}
SPEND, FLAT = ("spend ($)", "spend"), ("flat cost ($)", "flat_cost")
KINDS = ("team", "organization", "customer", "agent", "tag")
COLUMNS: dict[str, Kind] = {
    "date": "instant",
    **{name: "text" for names in FORMS.values() for name in names},
    **{name: "integer" for names in COUNTS.values() for name in names},
    **dict.fromkeys((*SPEND, *FLAT), "money"),
    FILE_NAME: "text",
}
PLAIN = frozenset({"date", "spend", "api_requests", "successful_requests", "prompt_tokens"})


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the rows of an export, or a row by itself."""
    found: list[Any] = [*items(document, "data"), document]
    yield from (item for item in found if isinstance(item, dict) and item.keys() >= PLAIN)


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line."""
    import polars as pl

    from tokenaudit.sources import _litellm, expressions

    texts = {thing: pl.coalesce(_litellm.unguarded(name) for name in names) for thing, names in FORMS.items()}
    named = rows.with_columns(
        **texts, **{thing: pl.coalesce(names) for thing, names in COUNTS.items()}, entity_kind=_kind()
    )
    return named.with_columns(
        charge_period_start=pl.col("date"),
        charge_period_end=pl.col("date") + pl.duration(days=1),
        granularity=pl.lit("day"),
        bucket=pl.coalesce(*KINDS, "entity", pl.when(pl.col("entity_kind") == "user").then("person_id")),
        **_who(),
        **_counted(),
        reject=expressions.first_reason(
            {
                "no date": pl.col("date").is_null(),
                "a call counts here once for each of its tags: export by team or user": pl.col("entity_kind") == "tag",
            }
        ),
    ).with_columns(identity=expressions.joined(("charge_period_start", "bucket")))


def _kind() -> pl.Expr:
    """Return what a row's entity is: by its column, ``-`` included, else by the file's name, else a team or a user."""
    import polars as pl

    filled = {kind: pl.any_horizontal(pl.col({kind, *FORMS[kind]}).is_not_null()) for kind in KINDS}
    columns = [pl.when(told).then(pl.lit(kind)) for kind, told in filled.items()]
    by_name = pl.col(FILE_NAME).str.to_lowercase().str.extract(r"(team|organization|customer|agent|tag|user)[-_]usage")
    usual = pl.when(pl.col("entity_id").is_not_null()).then(pl.lit("team")).otherwise(pl.lit("user"))
    return pl.coalesce(*columns, by_name, usual)


def _who() -> dict[str, pl.Expr]:
    import polars as pl

    from tokenaudit.sources import _litellm, expressions

    kind, shown = pl.col("entity_kind"), pl.coalesce("alias", *KINDS, "entity")

    def of(*kinds: str) -> pl.Expr:
        return pl.when(kind.is_in(kinds)).then(shown)

    model = pl.col("model_name")
    return {
        "workspace": of("team"),
        "user": pl.coalesce("person", of("user")),
        "api_key": pl.col("key"),
        "request_model": model,
        "provider": _litellm.provider(pl.col("seller"), model),
        "tags": expressions.tags(
            {"organization": of("organization"), "end_user": of("customer"), "agent": of("agent")}
        ),
    }


def _counted() -> dict[str, pl.Expr]:
    """Return requests, disjoint classes and the cost that LiteLLM computed."""
    import polars as pl

    from tokenaudit.sources import _litellm
    from tokenaudit.sources.expressions import number

    parts = {"cache_read_input_tokens": number("read"), "cache_creation_5m_input_tokens": number("written")}
    split = pl.col("prompt").is_not_null()
    spend, flat = pl.coalesce(SPEND), pl.coalesce(FLAT)
    return {
        "requests": number("calls"),
        "uncached_input_tokens": pl.when(split)
        .then(_litellm.uncached(number("prompt"), parts.values()))
        .otherwise(number("total")),
        **{name: pl.when(split).then(count).otherwise(0) for name, count in parts.items()},
        "output_tokens": pl.when(split).then(number("output")).otherwise(0),
        "tokens_basis": pl.when(split).then(pl.lit("reported")).otherwise(pl.lit("estimated")),
        "reported_cost": pl.sum_horizontal(spend, flat),
    }


SOURCE = Table(
    name="litellm-daily",
    title="LiteLLM daily activity",
    provider=None,
    merge="newest",
    authority="gateway",
    rules=2,
    columns=COLUMNS,
    signatures=(PLAIN, frozenset({"date", "spend ($)", "requests", "total tokens"})),
    records=records,
    usage=usage,
    known="LiteLLM's usage page > Export, or GET /team/daily/activity/export: <entity>-usage-<from>-<to>-<variant>.csv",
    tells="requests, tokens and computed spend by day, team, key, model or user",
    lacks="what the provider charged; the model in variants by key or user",
)
