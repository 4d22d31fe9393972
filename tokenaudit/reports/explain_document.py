"""What `explain` says, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from os.path import commonpath, isabs
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.analysis.origins import AGAIN, MERGED, NEWER
from tokenaudit.analysis.traced import RATE
from tokenaudit.prices.book import PRICE_CLASSES
from tokenaudit.prices.listing import open_ends
from tokenaudit.prices.own import OWN
from tokenaudit.prices.trace import Step, trace
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.render.numbers import compact_tokens, count, money, plural
from tokenaudit.render.price_words import LABELS, price_words
from tokenaudit.reports.explain import AGREED, COST, FORMULA, PRICE, PROVENANCE, WHEN, Explained, totals
from tokenaudit.reports.notes import REASONS

if TYPE_CHECKING:
    from tokenaudit.conditions import Condition

SCHEMA = "tokenaudit.explain/1"
FORMULAS, NAMES, ROWS = 3, 3, 10
"""Price rows with their formula, names with their steps, and rows of the other tables, where no limit is given."""
PER_CALL = ("web_search_requests", "requests")
OFTEN_FREE = ("requests", "reasoning_output_tokens")
"""Units that most prices do not ask for, or ask for as part of others."""
MILLION = 10**6
RULES = {
    MERGED: "one call: largest of each count",
    NEWER: "bucket: newer file wins whole",
    AGAIN: "same call, same counts",
}
SPENT = {
    "billed": "spend, as billed",
    "included": "spend: a plan covers it",
    "contract": "spend, by contract",
    "list": "spend",
    "list_undated": "spend, by a price without dates",
    "estimated": "spend, by a price that stands in",
    "unpriced": "no price: not in the spend",
}
"""What the spend of a cost basis is called."""
MACHINE = (
    "provider", "model", "cost_basis", "billing_currency", "unpriced_reason", *AGREED, *PRICE, *WHEN, *PROVENANCE,
    *PRICE_CLASSES, *(name + RATE for name in PRICE_CLASSES), "total_tokens", FORMULA, *COST, "dearest_cost",
)  # fmt: skip


def explain_document(found: Explained, what: str, limit: int | None, remarks: Sequence[str] = ()) -> Document:
    """Return the document of an explanation; `what` says what was asked, in words."""
    rows = _for_machines(found.by_price)
    tail = {
        "totals": totals(found),
        **({"totals_by_currency": found.totals} if found.totals.height > 1 else {}),
        "files": found.files.drop("file_id"),
        "calls": found.calls.drop("file_id"),
        "set_aside": found.set_aside.drop("file_id", "kept_file_id"),
        "left_to_finer": found.finer,
        "names": names(found),
    }
    return Document(
        schema=SCHEMA,
        head={"period": found.question.period.echo()},
        rows=rows,
        tail=tail,
        notes=(*remarks, *_notes(found)),
        heading=(*_heading(found, what),),
        sections=(*_sections(found, limit),),
    )


def where_words(conditions: Sequence[Condition]) -> str:
    """Return conditions as they were written: ``user=alice  model!=gpt-5``."""
    return "  ".join(
        f"{item.column}{'!' if item.negated else ''}={','.join(value or '(unattributed)' for value in item.values)}"
        for item in conditions
    )


def _for_machines(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the price rows in the order of the contract; what has no end is null."""
    return open_ends(frame).select(name for name in MACHINE if name in frame.columns)


def names(found: Explained) -> pl.DataFrame:
    """Return each name that rows have for their model, with the price it was given and by which rule."""
    day = _last_day(found)
    shown = []
    for provider, name, requests, tokens in found.names.iter_rows():
        meant, steps = found.book.names.find(provider, name), trace(provider, name, day, found.book)
        rule = steps[-1].rule if steps else "none"
        shown.append((provider, name, requests, tokens, meant.model, meant.seller, meant.price_model, rule))
    texts = dict.fromkeys(("provider", "request_model"), pl.String)
    counts = dict.fromkeys(("requests", "tokens"), pl.Int64)
    return pl.DataFrame(
        shown, {**texts, **counts, **dict.fromkeys(("model", "seller", "price_model", "rule"), pl.String)}, orient="row"
    )


# -- for people


def _heading(found: Explained, what: str) -> Iterator[str]:
    period = found.question.period
    yield f"{period.name[0].upper()}{period.name[1:]}, {period.timezone}   {what}\tprice book {found.book.date}"
    yield ""
    rows, files = int(found.files["rows"].sum()), found.files.height
    behind = f"{plural(rows, 'row')} of {plural(files, 'file')}"
    for row in found.totals.iter_rows(named=True):
        spend = "unpriced" if row["effective_cost"] is None else money(row["effective_cost"], row["billing_currency"])
        tokens, requests = compact_tokens(row["total_tokens"]), plural(row["requests"], "request")
        yield f"  {spend}   {tokens} tokens   {requests}   {behind}"
        behind = ""
    if found.totals.is_empty():
        yield f"  nothing counted   {behind}"


def _sections(found: Explained, limit: int | None) -> Iterator[Section]:
    yield _by_price(found, _most(limit, ROWS))
    formulas = found.by_price.filter(pl.col(FORMULA).is_not_null()).head(_most(limit, FORMULAS))
    yield from (_formula(row) for row in formulas.iter_rows(named=True))
    if found.names["request_model"].drop_nulls().len():
        yield _matched(found, _most(limit, NAMES))
    if found.calls.height:
        yield _calls(found)
    yield _files(found, _most(limit, ROWS))
    if found.set_aside.height:
        yield _set_aside(found, _most(limit, ROWS))


def _most(limit: int | None, usual: int) -> int:
    return usual if limit is None else limit or 1 << 40


def _by_price(found: Explained, most: int) -> Section:
    rows = found.by_price
    words = [price_words(row) if row["seller"] else "" for row in rows.iter_rows(named=True)]
    frame = rows.with_columns(pl.Series("price", words, pl.String), model=pl.coalesce("model", "what"))
    agreed = rows["agreement"].null_count() < rows.height
    contract = (
        Shown("agreement", "agreement", missing=""),
        Shown("contracted_cost", "contracted", "money", 1),
    )
    columns = (
        Shown("model", "", missing="(no model)"),
        Shown("seller", "sold by", missing="(no price)"),
        Shown("price", "price"),
        Shown("cost_basis", "basis", "words"),
        Shown("requests", "requests", "count", 3),
        Shown("total_tokens", "tokens", "tokens", 2),
        *(contract[:1] if agreed else ()),
        Shown("list_cost", "list", "money", 1),
        *(contract[1:] if agreed else ()),
        Shown("effective_cost", "spend", "money", missing="unpriced"),
    )
    more = f" (the dearest {most} of {rows.height})" if rows.height > most else ""
    return Section(f"By price{more}", frame.head(most), columns, found.totals)


def _formula(row: dict[str, Any]) -> Section:
    """Return units times rates of one price row, and what came of it."""
    units = [name for name in PRICE_CLASSES if row[name] and (row[name + RATE] or name not in OFTEN_FREE)]
    per = [1 if name in PER_CALL else MILLION for name in units]
    frame = pl.DataFrame(
        {
            "unit": [LABELS[name] for name in units],
            "count": [row[name] for name in units],
            "rate": [row[name + RATE] * size for name, size in zip(units, per, strict=True)],
            "per": ["each" if size == 1 else "a million" for size in per],
            "amount": [row[name] * row[name + RATE] for name in units],
        },
        {"unit": pl.String, "count": pl.Int64, "rate": MONEY, "per": pl.String, "amount": MONEY},
    )
    columns = (
        Shown("unit", "units"),
        Shown("count", "count", "count"),
        Shown("rate", "price", "exact"),
        Shown("per", "for", "words"),
        Shown("amount", "amount", "exact"),
    )
    name = (
        row["model"]
        if row["price_model"] == row["model"] or row["seller"] == OWN
        else f"{row['model']} as {row['price_model']}"
    )
    title = f"{name} of {row['seller']}, {price_words(row)}{_source(row)}"
    return Section(title, frame, columns, _results(row), row["billing_currency"])


MONEY = pl.Decimal(38, 18)


def _source(row: dict[str, Any]) -> str:
    source, day, _ = (row[name] for name in PROVENANCE)
    return f" ({source}{f' of {day}' if day else ''})" if source else ""


def _results(row: dict[str, Any]) -> pl.DataFrame:
    """Return the sum of a formula, and the money that differs from it."""
    lines = [("sum", row[FORMULA])]
    if row["list_cost"] is not None and row["list_cost"] != row[FORMULA]:
        lines.append(("list price as stated", row["list_cost"]))
    if row["contracted_cost"] is not None:
        lines.append((f"under {row['agreement']}" if row["agreement"] else "contracted", row["contracted_cost"]))
    if row["dearest_cost"] is not None and row["cost_basis"] != "billed":
        lines.append(("at most, if all were long", row["dearest_cost"]))
    basis = row["cost_basis"]
    part = "spend: part of a bill" if basis == "billed" and row["joined_tokens"] else SPENT.get(basis, "spend")
    if (basis, row["effective_cost"]) != ("list", row[FORMULA]):
        lines.append((part, row["effective_cost"]))
    return pl.DataFrame(lines, {"unit": pl.String, "amount": MONEY}, orient="row")


def _matched(found: Explained, most: int) -> Section:
    """Return how names found their prices, step by step."""
    asked = [pair for pair in found.names.select("provider", "request_model").iter_rows() if pair[1]]
    day = _last_day(found)
    rows = [
        (f"{name} ({provider})" if provider and not number else name if not number else "", *_step(step))
        for provider, name in asked[:most]
        for number, step in enumerate(trace(provider, name, day, found.book))
    ]
    frame = pl.DataFrame(rows, dict.fromkeys(("name", "rule", "text", "seller", "found"), pl.String), orient="row")
    more = f" ({most} of {len(asked)})" if len(asked) > most else ""
    return Section(f"How names found their prices{more}", frame, MATCH_COLUMNS)


def _last_day(found: Explained) -> date:
    """Return the last day that the rows are of."""
    newest: datetime | None = found.files["last"].max()  # type: ignore[assignment]
    return min(found.question.period.last, newest.date()) if newest else found.question.period.last


def _step(step: Step) -> tuple[str, str, str | None, str | None]:
    return step.rule.replace("_", " "), step.text, step.seller, step.found


MATCH_COLUMNS = (
    Shown("name", "as logged"),
    Shown("rule", "rule", "words"),
    Shown("text", "looked up"),
    Shown("seller", "list of", missing=""),
    Shown("found", "found", missing="nothing"),
)
"""How the steps of a look-up are shown, see `prices.trace.Step`."""


def _calls(found: Explained) -> Section:
    place = pl.concat_str(pl.col("path").str.split("/").list.last(), pl.lit(":"), pl.col("line"))
    frame = found.calls.with_columns(place=place, words=pl.col("effective_cost").is_null())
    columns = (
        Shown("charge_period_start", "when (UTC)", "words"),
        Shown("user", "user", priority=3),
        Shown("model", "model", missing="(no model)"),
        Shown("place", "file and line"),
        Shown("input_tokens", "input", "count", 1),
        Shown("all_output_tokens", "output", "count", 1),
        Shown("list_cost", "list", "exact", 2),
        Shown("effective_cost", "spend", "exact", missing="in its sum"),
    )
    rows = int(found.files["rows"].sum())
    title = "Rows" if rows <= frame.height else f"Largest rows ({frame.height} of {count(rows)})"
    return Section(title, frame, columns)


def _folder(paths: pl.Series) -> str:
    """Return the folder that all paths share, with its slash; "" where they share none."""
    known = [str(path) for path in paths.drop_nulls()]
    shared = commonpath([str(Path(path).parent) for path in known]) if known and all(map(isabs, known)) else ""
    return f"{shared.rstrip('/')}/" if shared else ""


def _files(found: Explained, most: int) -> Section:
    folder = _folder(found.files["path"])
    there = [Path(path or "").exists() for path in found.files["path"].head(most)]
    frame = found.files.head(most).with_columns(
        path=pl.col("path").str.strip_prefix(folder),
        lines=pl.concat_str(pl.col("first_line"), pl.lit("-"), pl.col("last_line")),
        there=pl.Series([None if here else "gone" for here in there], dtype=pl.String),
    )
    columns = (
        Shown("path", "file", missing="(not known any more)"),
        Shown("source", "source", priority=2),
        Shown("rows", "rows", "count"),
        Shown("lines", "lines", "words"),
        Shown("tokens", "tokens", "tokens", 1),
        Shown("there", "", "words"),
    )
    more = f" ({most} of {found.files.height})" if found.files.height > most else ""
    return Section(f"Files{f' under {folder}' if folder else ''}{more}", frame, columns)


def _set_aside(found: Explained, most: int) -> Section:
    folder = _folder(pl.concat([found.set_aside["path"], found.set_aside["kept_path"].rename("path")]))
    frame = found.set_aside.head(most).with_columns(
        lost=pl.concat_str(pl.col("path").str.strip_prefix(folder), pl.lit(":"), "line"),
        kept=pl.concat_str(pl.col("kept_path").str.strip_prefix(folder), pl.lit(":"), "kept_line"),
        why=pl.col("rule").replace(RULES),
    )
    columns = (
        Shown("lost", "first line set aside"),
        Shown("lines", "lines", "count"),
        Shown("kept", "kept"),
        Shown("why", "rule", "words"),
    )
    lines = int(found.set_aside["lines"].sum())
    return Section(f"Told again, counted once: {plural(lines, 'line')}", frame, columns)


def _notes(found: Explained) -> Iterator[str]:
    yield f"Prices: {found.book.version}. Amounts are exact; the spend above is rounded to the cent, half up."
    if found.by_price["agreement"].drop_nulls().len():
        yield (
            "Under agreements a row by itself has no spend: volumes, commitments and credits are settled by days, for "
            "all usage together. What is contracted is the formula at the agreed prices and discounts."
        )
    for source, tokens, counted in found.finer.iter_rows():
        yield (
            f"Left to finer rows: of {compact_tokens(tokens)} tokens of {source}, {compact_tokens(tokens - counted)} "
            "are told by other files too and counted there, see `tokenaudit doctor --overlap`."
        )
    for source, currency, amount, bills in found.paid.iter_rows():
        if amount is not None:
            of = f" of {', '.join(bills)}" if bills else ""
            yield f"Billed: {money(amount, currency)} of {source} are parts of bills{of}, spread by list cost."
    unpriced = found.by_price.filter(pl.col("cost_basis") == "unpriced")
    keys = ("model", "unpriced_reason")
    sums = unpriced.group_by(keys, maintain_order=True).agg(pl.col("requests", "total_tokens").sum())
    for model, reason, requests, tokens in sums.iter_rows():
        what = f"{model or '(no model)'}, {plural(requests, 'request')}, {compact_tokens(tokens)} tokens"
        yield f"Unpriced: {what}, {REASONS[reason]}, not in the spend."
