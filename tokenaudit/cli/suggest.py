"""Words that nobody knows: which known word is nearest, for choices, commands and options alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from typer._click.exceptions import ClickException, NoSuchOption, UsageError

from tokenaudit.errors import QueryError, did_you_mean

REWORDED = (
    (r"'([^']*)'", r"`\1`"),
    (r"^Got unexpected extra argument\S* \((.*)\)$", r"unexpected argument `\1`"),
)
"""Patterns in the parser's messages, and how we say it."""


def unknown(kind: str, word: str, known: Sequence[str], otherwise: str = "") -> QueryError:
    """Return the error for a word that is none of the known ones.

    `kind` is what it should have been, `otherwise` the hint where no known word is near; else all of them are listed.

    >>> unknown("format", "jsn", ("table", "csv", "json")).hint
    'did you mean `json`?'
    >>> unknown("format", "pdf", ("table", "csv", "json")).hint
    'known: table, csv, json'
    """
    hint = did_you_mean(word.lower(), tuple(known)) or otherwise or f"known: {', '.join(known)}"
    return QueryError(f"unknown {kind} `{word}`", hint)


def choice(kind: str, known: Sequence[str]) -> Callable[[str], str]:
    """Return a parser that lets known words pass, and raises the `unknown` error for all others."""

    def parse(word: str) -> str:
        if word not in known:
            raise unknown(kind, word, known)
        return word

    return parse


def completion(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Return what a shell asks for the words that may follow; after a comma the next one begins."""

    def complete(incomplete: str) -> list[str]:
        done, comma, begun = incomplete.rpartition(",")
        return [f"{done}{comma}{word}" for word in known if word.startswith(begun)]

    return complete


def sources(incomplete: str) -> list[str]:
    """Return the sources whose names begin so, for a shell."""
    from tokenaudit.sources import names

    return [name for name in names() if name.startswith(incomplete)]


def usage_error(error: ClickException) -> QueryError:
    """Return an error of the command line parser as one of ours: one sentence, and what to do."""
    return QueryError(_sentence(error), _hint(error))


def _sentence(error: ClickException) -> str:
    """Return the message the way all of ours are: backticks around names, no capital, no full stop."""
    if isinstance(error, NoSuchOption):
        return f"unknown option `{error.option_name}`"
    text = error.format_message().strip().rstrip(".")
    for pattern, plain in REWORDED:
        text = re.sub(pattern, plain, text)
    return text[:1].lower() + text[1:]


def _hint(error: ClickException) -> str:
    context = error.ctx if isinstance(error, UsageError) else None
    if isinstance(error, NoSuchOption):
        if error.possibilities:
            return f"did you mean `{error.possibilities[0]}`?"
        if context and not context.parent:
            return f"options come after the command: `{context.command_path} COMMAND {error.option_name} ...`"
    return f"run `{context.command_path} --help`" if context else "add --help to see how it is used"
