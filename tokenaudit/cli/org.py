"""`tokenaudit org`: is the org map sound, and whom does it not know?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options
from tokenaudit.cli.suggest import choice, completion
from tokenaudit.errors import ConfigError, QueryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenaudit.org.problems import Problem

EXAMPLES = (
    "tokenaudit org check",
    "tokenaudit org suggest",
    "tokenaudit org suggest --period 2026-10 --format csv >> people.csv",
)
SCHEMA = "tokenaudit.org-check/1"
ACTIONS = ("check", "suggest")
FORMATS = {"check": ("text", "json"), "suggest": ("toml", "csv", "json")}
"""Formats of each action; the first is the usual one."""
ALL_FORMATS = tuple(dict.fromkeys(name for names in FORMATS.values() for name in names))
Action = Annotated[
    str,
    typer.Argument(
        metavar="check|suggest",
        parser=choice("action", ACTIONS),
        autocompletion=completion(ACTIONS),
        show_default=False,
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        parser=choice("format", ALL_FORMATS),
        autocompletion=completion(ALL_FORMATS),
        help="check: text or json; suggest: toml, csv or json.",
    ),
]


def command(
    action: Action,
    period: options.Period = None,
    limit: options.Limit = None,
    as_of: options.AsOf = None,
    format: Format = None,  # noqa: A002 - the option's own name
    store: options.Store = None,
    config: options.Config = None,
) -> int:
    """Check the org map of the configuration, or suggest what is missing in it.

    check lists mistakes and gaps with file and line; the exit code is 1 where one is an error. suggest lists names that
    are nobody's, the dearest first, as lines to paste, of --period, by default all time. Neither changes anything.
    """
    settings = options.settings(store, config, as_of=as_of)
    form = format or FORMATS[action][0]
    if form not in FORMATS[action]:
        raise QueryError(f"org {action} has no format `{form}`", f"formats are {', '.join(FORMATS[action])}")
    if action == "check":
        return _check(settings, form)
    _suggest(settings, period or "all", limit, form)
    return 0


def _check(settings: options.Settings, form: str) -> int:
    from tokenaudit.org.check import problems
    from tokenaudit.org.read import entries, is_mapped

    if not is_mapped(settings.config):
        raise ConfigError("no org map: the configuration has no [org]", "docs/org.md shows how to begin")
    found = entries(settings.config)
    wrong = problems(found)
    if form == "json":
        _print_json(wrong)
    else:
        print(*_lines(wrong, f"{_entries(len(found.people))} of people, {len(found.teams)} of teams"), sep="\n")
    return int(any(item.level == "error" for item in wrong))


def _entries(number: int) -> str:
    return f"{number} entr{'y' if number == 1 else 'ies'}"


def _lines(wrong: Sequence[Problem], holds: str) -> list[str]:
    if not wrong:
        return [f"Nothing wrong: {holds}."]
    count = {level: sum(item.level == level for item in wrong) for level in ("error", "warning")}
    said = [f"{number} {level}{'s' if number > 1 else ''}" for level, number in count.items() if number]
    lines = [line for item in wrong for line in (f"{item.place}: {item.level}: {item.text}", f"    {item.hint}")]
    return [*lines, "", f"{' and '.join(said)} in {holds}."]


def _print_json(wrong: Sequence[Problem]) -> None:
    import json

    rows = [
        {
            "level": item.level,
            "path": str(item.place.path),
            "line": item.place.line,
            "text": item.text,
            "hint": item.hint,
        }
        for item in wrong
    ]
    print(json.dumps({"schema": SCHEMA, "rows": rows}, indent=2, ensure_ascii=False))


def _suggest(settings: options.Settings, period: str, limit: int | None, form: str) -> None:
    import sys

    from tokenaudit.render import render
    from tokenaudit.reports.question import Question
    from tokenaudit.reports.suggest import as_csv, as_document, as_toml, suggest
    from tokenaudit.store.store import Store

    question = Question(settings.period(period), (), config=settings.config)
    with Store.open(settings.store) as opened:
        found = suggest(opened, question)
    shown = found[:limit] if limit else found
    if form == "json":
        render(as_document(shown, question), "json", sys.stdout)
    else:
        print(
            as_csv(shown) if form == "csv" else "\n".join(as_toml(shown, question.period)),
            end="" if form == "csv" else "\n",
        )
