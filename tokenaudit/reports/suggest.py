"""Names that the org map does not know, the dearest first, with who they may be: lines to paste, and nothing done."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.analysis.breakdown import breakdown
from tokenaudit.org.claims import folded, like
from tokenaudit.org.guess import NOBODY, Guess, Known
from tokenaudit.org.map import org_of
from tokenaudit.render.cells import clean
from tokenaudit.render.document import Document
from tokenaudit.render.numbers import compact_tokens, money, plural
from tokenaudit.reports.question import Question, ask, no_data

if TYPE_CHECKING:
    from tokenaudit.config import Config
    from tokenaudit.org.map import OrgMap
    from tokenaudit.periods import Period
    from tokenaudit.store.store import Store

SCHEMA = "tokenaudit.org-suggest/1"
ROW = {
    "name": pl.String(),
    "column": pl.String(),
    "user": pl.String(),
    "why": pl.String(),
    "billing_currency": pl.String(),
    "effective_cost": pl.Decimal(38, 18),
    "total_tokens": pl.Int64(),
    "requests": pl.Int64(),
}
"""Columns for machines; `user` is who `name` may be, itself where it may be a new person, null where nobody knows."""
COLUMNS = {"user": "", "api_key": ", an API key"}


class Suggestion(NamedTuple):
    """A name that is nobody's, what it spent, and who it may be."""

    name: str
    column: str
    guess: Guess
    currency: str
    spend: Decimal | None
    tokens: int
    requests: int

    @property
    def user(self) -> str | None:
        """Return the one person that it may be; itself where it is an e-mail address that is like nobody's."""
        if len(self.guess.users) == 1:
            return self.guess.users[0]
        return self.name if self.is_new else None

    @property
    def is_new(self) -> bool:
        """Tell whether it may be somebody whom the map does not have."""
        return not self.guess.users and self.column == "user"


def suggest(store: Store, question: Question) -> list[Suggestion]:
    """Return the names in a period that the map does not know, most spend first. NoDataError where there is nothing."""
    answer = ask(store, replace(question, by=("user", "api_key"), config=_people_only(question.config)))
    if answer.cube.is_empty():
        raise no_data(store, question, answer)
    return _guessed(_nameless(answer.cube, question.config), question.config)


def _people_only(config: Config) -> Config:
    """Return a configuration that maps names and moves nothing."""
    return replace(config, allocations=(), org={key: value for key, value in config.org.items() if key != "rule"})


def _nameless(cube: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Return spend by name and column of whatever is no person's, and is named by no rule."""
    texts = cube.with_columns(pl.col("user", "api_key").cast(pl.String))
    known = [name for name in texts["user"].drop_nulls().unique() if _is_known(folded(name), org_of(config))]
    strange = texts.filter(~pl.col("user").is_in(known).fill_null(value=False))
    is_key = pl.col("user").is_null()
    named = strange.with_columns(
        name=pl.coalesce("user", "api_key"), column=pl.when(is_key).then(pl.lit("api_key")).otherwise(pl.lit("user"))
    )
    return breakdown(named.filter(pl.col("name").is_not_null()), ("name", "column")).rows


def _is_known(name: str, org: OrgMap | None) -> bool:
    """Tell whether a name is a person's, or one that a rule is about."""
    wheres = (*(item.where for item in org.rules), *(item.where for item in org.allocations)) if org else ()
    said = [where.get("user", ()) for where in wheres]
    patterns = [folded(str(item)) for one in said for item in (one if isinstance(one, tuple) else (one,))]
    return org is not None and (name in org.names or any(like(name, pattern) for pattern in patterns))


def _guessed(rows: pl.DataFrame, config: Config) -> list[Suggestion]:
    org = org_of(config)
    names = org.names if org else {}
    known = Known({same[0]: same for same in names.values()})
    mails = [name for name in rows["name"].unique(maintain_order=True) if "@" in name]
    strangers = Known({name: (name,) for name in mails if known.guess(name) == NOBODY})
    chosen = rows.select("name", "column", "billing_currency", "effective_cost", "total_tokens", "requests")
    return [_suggestion(row, known, strangers) for row in chosen.iter_rows()]


def _suggestion(row: tuple[str, str, str, Decimal | None, int, int], known: Known, strangers: Known) -> Suggestion:
    name, column, *figures = row
    guess = known.guess(name)
    other = strangers.guess(name) if guess == NOBODY else guess
    itself = other.users == (name,)
    return Suggestion(name, column, NOBODY if itself else other, *figures)  # type: ignore[arg-type]


# -- how it is shown


def as_document(found: Sequence[Suggestion], question: Question) -> Document:
    """Return suggestions for machines."""
    rows = [
        (item.name, item.column, item.user, item.guess.why or ("new" if item.is_new else None), *item[3:])
        for item in found
    ]
    frame = pl.DataFrame(rows, ROW, orient="row")
    return Document(schema=SCHEMA, head={"period": question.period.echo()}, rows=frame, notes=None)


def as_toml(found: Sequence[Suggestion], period: Period) -> Iterator[str]:
    """Yield lines to paste into the configuration, with comments that say what is behind them."""
    if not found:
        yield "# Every name is somebody's." if period.open else f"# Every name in {period.name} is somebody's."
        return
    yield f"# {plural(len(found), 'name')} that the org map does not know. Nothing is changed: paste what is right."
    for user, same in _by_user(found).items():
        yield ""
        yield from (f"# {_said(item)}" for item in same)
        yield from ("[[org.person]]", f"user = {quoted(user)}")
        aliases = [quoted(item.name) for item in same if folded(item.name) != folded(user)]
        yield from [f"aliases = [{', '.join(aliases)}]"] if aliases else ()
    for item in found:
        if item.user is None:
            yield from ("", f"# {_said(item)}")


def as_csv(found: Sequence[Suggestion]) -> str:
    """Return lines to paste into a CSV file of people."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("user", "aliases"))
    for user, same in _by_user(found).items():
        writer.writerow((user, ";".join(item.name for item in same if folded(item.name) != folded(user))))
    return out.getvalue()


def _by_user(found: Sequence[Suggestion]) -> dict[str, list[Suggestion]]:
    """Return suggestions by person; each name once, whatever its currencies."""
    same: dict[str, dict[str, Suggestion]] = {}
    for item in found:
        if item.user is not None:
            same.setdefault(item.user, {}).setdefault(item.name, item)
    return {user: list(items.values()) for user, items in same.items()}


def _said(item: Suggestion) -> str:
    worth = "unpriced" if item.spend is None else money(item.spend, item.currency)
    name = clean(" ".join(item.name.split()))
    return f"{worth}, {compact_tokens(item.tokens)} tokens: {name}{COLUMNS[item.column]}{_why(item)}"


def _why(item: Suggestion) -> str:
    users = item.guess.users
    if item.is_new:
        return " (new)"
    if not users:
        return ": whose?"
    either = " or ".join(users[:3]) + (" or others" if len(users) > 3 else "")  # noqa: PLR2004 - as many as are listed
    return f" ({item.guess.why})" if len(users) == 1 else f": {either}? ({item.guess.why})"


def quoted(name: str) -> str:
    """Return a name as TOML writes it."""
    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
