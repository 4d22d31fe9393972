"""`tokenaudit prices compare`: two models side by side."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

import typer

from tokenaudit.cli import options
from tokenaudit.cli.prices.common import Model, On, desk, models, show
from tokenaudit.errors import QueryError

EXAMPLES = (
    "tokenaudit prices compare claude-opus-5-5 gpt-5.6-sol",
    "tokenaudit prices compare claude-opus-5-5 gpt-5 --input-tokens 20M --output-tokens 500K",
    "tokenaudit prices compare gpt-5 gpt-5-mini --cached 80%",
)
SIZES = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}


def parse_tokens(text: str) -> int:
    """Read a number of tokens, such as ``1500000``, ``1.5M`` or ``500K``. Raises QueryError for anything else."""
    found = re.fullmatch(r"(\d[\d_,]*(?:\.\d+)?)\s*([KMB]?)", text.strip().upper())
    if not found:
        raise QueryError(f"`{text}` is no number of tokens", "write 1500000, 1.5M or 500K")
    return int(Decimal(re.sub("[_,]", "", found[1])) * SIZES[found[2]])


def parse_share(text: str) -> Decimal:
    """Read a share, such as ``80%`` or ``0.8``. Raises QueryError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip())
    share = Decimal(found[1]) / (100 if found[2] else 1) if found else Decimal(-1)
    if not 0 <= share <= 1:
        raise QueryError(f"`{text}` is no share", "write 80% or 0.8")
    return share


Other = Annotated[str, typer.Argument(metavar="OTHER", autocompletion=models, help="The model to compare it with.")]
Input = Annotated[
    int, typer.Option("--input-tokens", metavar="TOKENS", parser=parse_tokens, help="With what is cached.")
]
Output = Annotated[int, typer.Option("--output-tokens", metavar="TOKENS", parser=parse_tokens, help="Output.")]
Cached = Annotated[
    Decimal, typer.Option("--cached", metavar="SHARE", parser=parse_share, help="Share of the input read from a cache.")
]


def command(
    model: Model,
    other: Other,
    input_tokens: Input = "1M",  # type: ignore[assignment]
    output_tokens: Output = "1M",  # type: ignore[assignment]
    cached: Cached = "0%",  # type: ignore[assignment]
    on: On = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare what two models cost, for a mix of tokens: by default a million in and a million out.

    A seller may stand before a model's name, as gateways write it: `azure/gpt-5`, `bedrock/...`, `openrouter/...`.
    """
    where = desk(on, store, config, no_config=no_config)
    from tokenaudit.reports.price_models import Mix, compared

    mix = Mix(input_tokens, output_tokens, cached)
    document = compared(where.book, (model, other), mix, where.day)
    show(document, where, format, output, quiet=quiet)
