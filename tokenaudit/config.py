"""The configuration file: ``tokenaudit.toml``, or ``[tool.tokenaudit]`` in ``pyproject.toml``.

    store = "spend-store"           # a relative path starts at the folder of this file
    timezone = "Europe/Berlin"      # UTC where nothing is said

    [[plan]]                        # what this log holds is covered by a subscription
    source = "claude-code"
    user = "alice"
    from = 2026-09-01
    until = 2026-12-31
    name = "Max 20x"

    [[account]]                     # whose bill pays for what this log holds
    source = "codex"
    user = "alice"
    account = "org-4711"

    [[source]]                      # files of your own, see docs/own-sources.md
    name = "our-gateway"
    columns = { charge_period_start = "ts", request_model = "model", output_tokens = "usage.completion_tokens" }

    [projects]                      # one name for what logs call differently
    "web-frontend" = "web"

    [models]                        # what names of deployments mean; patterns too, alone or behind their provider/
    "azure/prod-chat" = "gpt-5-mini"

    [[price]]                       # of models that the price book lacks, see docs/agreements.md
    [[agreement]]                   # what was agreed with a vendor, see there
    [[fx]]                          # exchange rates, see there

    [[budget]]                      # what may be spent, see docs/budgets.md; checked by the commands that judge
    id = "web"
    scope = { project = ["web"] }
    limits = [{ amount = 2000, period = "month" }]

    [policy]                        # how bad the data may be that is judged
    unpriced = 0.01

    [org]                           # who is who, in which team, and who pays, see docs/org.md
    people = "people.csv"

    [[allocation]]                  # shared cost, split over teams
    name = "seats"
    where = { source = "github-metered" }
    split = "even"

One file counts: the one named by --config or TOKENAUDIT_CONFIG, else the nearest upward from the working directory,
else that of the user. Nothing in it is ever executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from tokenaudit.errors import ConfigError, did_you_mean

NAME = "tokenaudit.toml"
PYPROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Plan:
    """A log declared as covered by a plan: its usage has a list cost, and costs nothing beyond the plan."""

    source: str
    """The source whose rows are covered, such as ``claude-code``."""
    user: str | None = None
    """The user whose rows are covered; None for all of them."""
    first: date | None = field(default=None, metadata={"key": "from"})
    """First day that is covered; None for every day up to `last`."""
    last: date | None = field(default=None, metadata={"key": "until"})
    """Last day that is covered, inclusive; None for every day since `first`."""
    name: str | None = None
    """The plan, as people call it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose account a log belongs to that names none."""

    source: str
    """The source whose rows are meant, such as ``codex``."""
    account: str
    """The account, as the provider's bill names it."""
    user: str | None = None
    """The user whose rows are meant; None for all of them."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A file format of one's own: which of its columns says what. Checked where it becomes a source."""

    name: str
    """What rows of it carry as their `source`."""
    columns: Mapping[str, str | Mapping[str, str]]
    """The file's column by usage column, nested keys joined by dots; of `tags` also by label."""
    constants: Mapping[str, str | int | bool] = field(default_factory=dict)
    """What holds where the file says nothing, by usage column."""
    match: tuple[str, ...] = ()
    """Columns that tell these files from others; none: those that a row cannot be counted without."""
    identity: str | tuple[str, ...] = ()
    """The file's column that names a call, or the usage columns that name a call or bucket together."""
    merge: str = "largest"
    """What becomes of rows with one identity: ``largest`` or ``newest``."""
    authority: str = "client"
    """Whose word it is: ``bill``, ``usage``, ``gateway`` or ``client``."""
    provider: str | None = None
    """Who sold the tokens, where no column says it; None: whoever sells such models."""
    title: str = ""
    time: str = "iso"
    """How times are written: ``iso``, ``epoch_s``, ``epoch_ms``, ``epoch_us``, or a pattern such as ``%d.%m.%Y``."""
    timezone: str = "UTC"
    """IANA name of the zone of times that name none."""
    money: str = "units"
    """What amounts are written in: ``units`` of the currency, ``cents`` or ``micros``."""
    input_includes_cache: bool | None = None
    """The column of `input_tokens` holds cached input too, as None says."""
    output_includes_reasoning: bool | None = None
    """The column of `output_tokens` holds reasoning too, as None says."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the configuration file says; without one, the defaults."""

    store: Path | None = None
    """Folder of the store, absolute."""
    timezone: str = "UTC"
    """IANA name of the zone of days and months."""
    plans: tuple[Plan, ...] = field(default=(), metadata={"key": "plan"})
    accounts: tuple[Account, ...] = field(default=(), metadata={"key": "account"})
    """The first that fits a row counts."""
    sources: tuple[Declared, ...] = field(default=(), metadata={"key": "source"})
    projects: Mapping[str, str] = field(default_factory=dict)
    """New names of projects by their old ones."""
    models: Mapping[str, str] = field(default_factory=dict)
    """Models by the names that logs have for them, see `Names.renamed`."""
    budgets: tuple[Mapping[str, Any], ...] = field(default=(), metadata={"key": "budget"})
    """Limits on spend, as they are written; `tokenaudit.budgets` makes records of them."""
    policies: Mapping[str, Any] = field(default_factory=dict, metadata={"key": "policy"})
    """Limits on how bad the data may be, as they are written."""
    budget_grids: tuple[str, ...] = ()
    """CSV files of budgets by month, relative to this file."""
    billing_day: int = 1
    """Day of the month on which a billing month begins, up to 28."""
    fiscal_year_start: int = 1
    """Month in which a fiscal year begins."""
    org: Mapping[str, Any] = field(default_factory=dict)
    """The org map as it is written; `tokenaudit.org` reads and checks it."""
    allocations: tuple[Mapping[str, Any], ...] = field(default=(), metadata={"key": "allocation"})
    """How cost is shared, as it is written; as above."""
    path: Path | None = field(default=None, metadata={"key": None})
    """The file this was read from."""
    terms: Any = field(default=None, metadata={"key": None})
    """A `tokenaudit.terms.records.Terms`: what the file says of money; None where it says nothing."""


TABLES: dict[str, type] = {"plans": Plan, "accounts": Account, "sources": Declared}
"""Fields of `Config` that hold records."""
TERMS = ("price", "agreement", "fx", "fx_file")
"""Keys of the file that become `Config.terms`: read by a package that is loaded only where they occur."""


def load(option: Path | None, env: Mapping[str, str], folder: Path) -> Config:
    """Return the configuration that counts in `folder`.

    `option` is the file given on the command line; `env` may name one as TOKENAUDIT_CONFIG. Without either the first
    of `candidates` that exists counts. Raises ConfigError for a named file that is missing, and for broken ones.
    """
    named = option or env.get("TOKENAUDIT_CONFIG")
    if named:
        return read(Path(named).expanduser())
    path = next((path for path in candidates(folder) if _speaks(path)), None)
    return read(path) if path else Config()


def candidates(folder: Path) -> Iterator[Path]:
    """Yield where a configuration may be, nearest first: in `folder`, in those above it, in the user's own."""
    place = folder.absolute()
    yield from (above / name for above in (place, *place.parents) for name in (NAME, PYPROJECT))

    from platformdirs import user_config_path

    yield user_config_path("tokenaudit", appauthor=False) / NAME


def store_path(option: Path | None, env: Mapping[str, str], config: Config) -> Path:
    """Return the folder of the store: --store, else TOKENAUDIT_STORE, else the configuration, else the user's data."""
    named = option or env.get("TOKENAUDIT_STORE")
    if named:
        return Path(named).expanduser().absolute()
    if config.store:
        return config.store

    from platformdirs import user_data_path

    return user_data_path("tokenaudit", appauthor=False) / "store"


def read(path: Path) -> Config:
    """Read a configuration file. Raises ConfigError, naming the file, where it cannot be used."""
    import msgspec

    path = path.absolute()
    ours = _ours(path) or {}
    money = {key: ours.pop(key) for key in TERMS if key in ours} if isinstance(ours, dict) else {}
    try:
        config = msgspec.convert(_named(ours, path), Config, dec_hook=_path_from(path.parent))
    except msgspec.ValidationError as error:
        raise ConfigError(f"cannot use `{path}`: {_in_words(error)}") from error
    _check_dates(config, path)
    return replace(config, path=path, terms=_terms(money, path))


def _terms(money: dict[str, Any], path: Path) -> Any:  # noqa: ANN401 - see `Config.terms`
    """Return what the file says of money, None where it says nothing."""
    if not money:
        return None
    from tokenaudit.terms.read import read_terms

    return read_terms(money, path)


def _speaks(path: Path) -> bool:
    """Tell whether a file exists and is meant for us: a project's own file need not mention us, nor be readable."""
    try:
        if path.name != PYPROJECT:
            return path.is_file()
        return b"tokenaudit" in path.read_bytes() and _ours(path) is not None
    except OSError:
        return False


def _ours(path: Path) -> Any:  # noqa: ANN401 - TOML that is not checked yet
    """Return our part of a file; None where it has none."""
    table = _parsed(path)
    if path.name != PYPROJECT:
        return table
    tools = table.get("tool")
    return tools.get("tokenaudit") if isinstance(tools, dict) else None


def _named(ours: Any, path: Path) -> Any:  # noqa: ANN401 - TOML that is not checked yet
    """Return our part of a file, with the names of our records' fields for its keys."""
    table = _renamed(Config, ours, "", path)
    keys = {item.name: item.metadata.get("key") for item in fields(Config)}
    for name, kind in TABLES.items():
        if isinstance(table, dict) and isinstance(table.get(name), list):
            key = keys[name]
            table[name] = [_renamed(kind, item, f"[[{key}]]", path) for item in table[name]]
    return table


def _parsed(path: Path) -> dict[str, Any]:
    import tomllib
    from decimal import Decimal

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigError(f"cannot read `{path}`: {error.strerror}", "give another --config, or --no-config") from error
    except ValueError as error:
        raise ConfigError(f"`{path}` is not TOML: {error}", "mend it, or run with --no-config") from error


def _renamed(kind: type, table: Any, where: str, path: Path) -> Any:  # noqa: ANN401 - TOML that is not checked yet
    """Return a table with the names of a record's fields for its keys. Raises ConfigError for an unknown key."""
    if not isinstance(table, dict):
        return table
    names = {key: item.name for item in fields(kind) if (key := item.metadata.get("key", item.name))}
    for key in table:
        if key not in names:
            place = f"{where} of `{path}`" if where else f"`{path}`"
            known = [*names, *(TERMS if kind is Config else ())]
            raise ConfigError(
                f"unknown key `{key}` in {place}", did_you_mean(key, known) or f"keys are {', '.join(known)}"
            )
    return {names[key]: value for key, value in table.items()}


def _path_from(folder: Path) -> Callable[[type, Any], Path]:
    """Return what reads a path that may be relative to `folder`."""

    def convert(_kind: type, value: Any) -> Path:  # noqa: ANN401 - msgspec hands over whatever the file holds
        if not isinstance(value, str):
            raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
        return folder / Path(value).expanduser()

    return convert


def _in_words(error: Exception) -> str:
    """Return msgspec's message with keys as they are written: ``$.plans[0].first`` is ``plan[0].from``."""
    text, _, place = str(error).partition(" - at `$.")
    text = f"{text[:1].lower()}{text[1:]}"
    for kind in (Config, *TABLES.values()):
        for item in fields(kind):
            place = place.replace(item.name, item.metadata.get("key") or item.name)
    return f"{text} at `{place[:-1]}`" if place else text


def _check_dates(config: Config, path: Path) -> None:
    for plan in config.plans:
        if plan.first and plan.last and plan.last < plan.first:
            raise ConfigError(f"a [[plan]] of `{path}` ends on {plan.last}, before it begins on {plan.first}")
