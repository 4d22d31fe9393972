"""Options that several commands share, each defined once, and what they mean together.

A command takes them as annotations: ``def command(period: options.Period = None, by: options.By = None)``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, TextIO

import typer

from tokenaudit import config as configuration
from tokenaudit import periods, render, schema
from tokenaudit.cli.suggest import choice, completion, sources, unknown
from tokenaudit.conditions import Condition, is_tag, parse_condition
from tokenaudit.errors import ConfigError, PeriodError, QueryError

COSTS = ("effective", "list", "contracted", "billed")
"""Views of money: ``list`` is the column ``list_cost``."""
CODE = 3
"""Letters of the code of a currency."""
BREAKDOWNS = (*schema.DIMENSIONS, *schema.TIME_DIMENSIONS)
FORMATS = tuple(render.RENDERERS)


def parse_by(values: Sequence[str] | None) -> list[str]:
    """Read dimensions, separated by commas or given one by one. Raises QueryError for an unknown one.

    >>> parse_by(["user,model", "month", "user"])
    ['user', 'model', 'month']
    """
    words = [word.strip() for value in values or () for word in value.split(",")]
    for word in words:
        if word not in BREAKDOWNS and not is_tag(word):
            raise unknown("column", word, BREAKDOWNS)
    return list(dict.fromkeys(words))


def parse_cost(text: str) -> str:
    """Return the column of a view of money. Raises QueryError for an unknown one.

    >>> parse_cost("list"), parse_cost("list_cost")
    ('list_cost', 'list_cost')
    """
    view = text.removesuffix("_cost")
    if view not in COSTS:
        raise unknown("cost", text, COSTS)
    return f"{view}_cost"


def parse_limit(text: str) -> int:
    """Return a number of rows, 0 or more. Raises QueryError for anything else."""
    if not text.isdecimal():
        raise QueryError(f"`{text}` is no number of rows", "write --limit 20, or --limit 0 for all")
    return int(text)


def parse_currency(text: str) -> str:
    """Return the ISO 4217 code of a currency. Raises QueryError for what is none.

    >>> parse_currency("eur")
    'EUR'
    """
    code = text.strip().upper()
    if not (code.isascii() and code.isalpha() and len(code) == CODE):
        raise QueryError(f"`{text}` is no currency", "write its ISO 4217 code, such as --currency EUR")
    return code


def parse_timezone(text: str) -> str:
    """Return the name of a time zone that exists. Raises PeriodError for others."""
    return str(periods.timezone(text))


def output_format(name: render.Format | None, output: Path | None) -> render.Format:
    """Return the format to write: the one asked for, else that of the file's ending, else a table.

    Raises QueryError for an ending that is no format's.
    """
    if name:
        return name
    return render.format_of(output) if output and not _is_stdout(output) else "table"


def destination(output: Path | None) -> TextIO | Path:
    """Return where to write: the file, or stdout where there is none or it is ``-``."""
    return sys.stdout if output is None or _is_stdout(output) else output


def _is_stdout(output: Path) -> bool:
    return str(output) == "-"


def log_to_stderr(verbose: int) -> int:
    """Show what tokenaudit logs on stderr: with 1 what it does, with 2 and more everything."""
    if verbose:
        import logging

        logging.basicConfig(stream=sys.stderr, format="%(message)s")
        logging.getLogger("tokenaudit").setLevel(logging.INFO if verbose == 1 else logging.DEBUG)
    return verbose


# -- where things are


Store = Annotated[
    Path | None,
    typer.Option("--store", metavar="FOLDER", help="Folder of the store [TOKENAUDIT_STORE, config, user data]."),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration [TOKENAUDIT_CONFIG, tokenaudit.toml upward]."),
]
NoConfig = Annotated[bool, typer.Option("--no-config", help="Read no configuration file.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write to a file; without -f its ending tells the format: -o spend.csv."
    ),
]

# -- what is asked


AsOf = Annotated[
    date | None,
    typer.Option(
        "--as-of", metavar="DATE", parser=periods.parse_date, help='What is "now", such as 2026-10-14; default today.'
    ),
]
Period = Annotated[
    str | None,
    typer.Option(
        "--period",
        "-p",
        metavar="PERIOD",
        autocompletion=completion((*periods.WORDS, "all")),
        help="2026-10, 2026-Q3, 2026-W41, 2026-01..2026-10, last-month, mtd, ytd, 30d, all, ...",
    ),
]
Timezone = Annotated[
    str | None,
    typer.Option(
        "--timezone", metavar="ZONE", parser=parse_timezone, help="Zone of days and months: Europe/Berlin; default UTC."
    ),
]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="COLUMNS",
        callback=parse_by,
        autocompletion=completion(BREAKDOWNS),
        help="Break down by: user,model,project,provider,day,week,month, ...",
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="SOURCE",
        autocompletion=sources,
        help="Count a source's rows as they stand, whatever else tells of them.",
    ),
]
Where = Annotated[
    list[Condition] | None,
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        parser=parse_condition,
        autocompletion=completion([f"{name}=" for name in schema.DIMENSIONS]),
        help="Only these rows: project=web; user=a,b for either; model!=x for others; several columns must all fit.",
    ),
]
Cost = Annotated[
    str,
    typer.Option(
        "--cost",
        metavar="VIEW",
        parser=parse_cost,
        autocompletion=completion(COSTS),
        show_default=False,
        help="effective (default), list, contracted or billed.",
    ),
]
Currency = Annotated[
    str | None,
    typer.Option(
        "--currency",
        metavar="CODE",
        parser=parse_currency,
        help="Convert to EUR, ..., each day with its rate of the configuration's [[fx]].",
    ),
]
AssumePrice = Annotated[
    list[str] | None,
    typer.Option(
        "--assume-price",
        metavar="PROVIDER/MODEL=IN/OUT",
        help="Price of an unpriced model, dollars per million tokens: openai/gpt-9=2/8; then cache reads and writes.",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", "-n", metavar="N", parser=parse_limit, help="Show the N largest rows; 0 for all."),
]

# -- how it is shown


Format = Annotated[
    render.Format | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        parser=render.checked,
        autocompletion=completion(FORMATS),
        help=f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}; default table.",
    ),
]
TextOrJson = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        parser=choice("format", ("table", "json")),
        autocompletion=completion(("table", "json")),
        help="table or json; default table.",
    ),
]
"""For what is no table of figures."""
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes, no progress.")]
Verbose = Annotated[
    int,
    typer.Option("--verbose", "-v", count=True, callback=log_to_stderr, show_default=False, help="Say what is done."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the options, the environment and the configuration file say together."""

    config: configuration.Config
    store: Path
    """Folder of the store, absolute; it need not exist."""
    timezone: str
    """IANA name of the zone of days and months."""
    as_of: date
    """The date that counts as today."""

    def period(self, text: str) -> periods.Period:
        """Return a period seen from `as_of` in `timezone`. Raises PeriodError."""
        return periods.parse_period(text, self.as_of, self.timezone)


def settings(
    store: Path | None = None,
    config: Path | None = None,
    *,
    no_config: bool = False,
    as_of: date | None = None,
    timezone: str | None = None,
) -> Settings:
    """Return what counts: options before environment variables before the configuration file before defaults.

    Sources that the configuration declares are known from then on. Raises ConfigError for a configuration file that
    cannot be used, PeriodError for an unknown time zone.
    """
    if config and no_config:
        raise QueryError("--config and --no-config exclude each other", "leave one of them out")
    found = configuration.Config() if no_config else configuration.load(config, os.environ, Path.cwd())
    _declare(found)
    zone = timezone or _configured_zone(found)
    return Settings(
        config=found,
        store=configuration.store_path(store, os.environ, found),
        timezone=zone,
        as_of=as_of or periods.today(zone),
    )


def with_prices(settings: Settings, assumed: Sequence[str]) -> Settings:
    """Return settings with prices that the command line assumes. Raises ConfigError for one that cannot be read."""
    if not assumed:
        return settings
    from msgspec.structs import replace as with_fields

    from tokenaudit.terms.read import parse_assumed
    from tokenaudit.terms.records import Terms

    terms: Terms = settings.config.terms or Terms()
    found = with_fields(terms, prices=(*terms.prices, *map(parse_assumed, assumed)))
    return replace(settings, config=replace(settings.config, terms=found))


def _declare(config: configuration.Config) -> None:
    """Make the sources of a configuration known, and those of another unknown; nothing is loaded for nothing."""
    if config.sources or "tokenaudit.sources" in sys.modules:
        from tokenaudit.sources import declare

        declare(config.sources, config.path)


def _configured_zone(config: configuration.Config) -> str:
    try:
        return parse_timezone(config.timezone)
    except PeriodError as error:
        raise ConfigError(f"{error.message} in `{config.path}`", error.hint) from error
