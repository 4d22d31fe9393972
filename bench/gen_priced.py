"""Write usage rows of single requests as Parquet, all columns of the usage table: seeded, for measuring prices.

    python bench/gen_priced.py OUTPUT.parquet ROWS [--seed 7]

Ten models of five sellers over ten months: dated prices, two with peak hours, three context tiers, batch and flex.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from bench.gen_usage import named, noise
from tokenaudit import schema

MODELS = (
    ("openai", "gpt-5.4"), ("openai", "gpt-5.6-sol"), ("openai", "gpt-5.6-terra"), ("openai", "gpt-6-astra"),
    ("anthropic", "claude-opus-5"), ("anthropic", "claude-sonnet-5"), ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"), ("x-ai", "grok-4.3"), ("groq", "openai/gpt-oss-120b"),
)  # fmt: skip
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MONTHS_US = 10 * 30 * 86_400_000_000


def rows(count: int, seed: int) -> pl.DataFrame:
    """Return `count` usage rows."""
    model = noise(seed, 1, len(MODELS))
    start = pl.lit(FIRST) + pl.duration(microseconds=noise(seed, 2, MONTHS_US))
    given = pl.select(row=pl.int_range(count)).select(
        provider=named(tuple(provider for provider, _ in MODELS), model),
        request_model=named(tuple(name for _, name in MODELS), model),
        charge_period_start=start,
        charge_period_end=start,
        granularity=pl.lit("request"),
        requests=pl.lit(1),
        uncached_input_tokens=noise(seed, 3, 250_000),
        cache_read_input_tokens=noise(seed, 4, 60_000),
        output_tokens=noise(seed, 5, 8_000),
        estimated_output_tokens=noise(seed, 5, 8_000),
        batch=noise(seed, 6, 10) == 0,
    )
    dtypes = schema.dtypes()
    absent = {name: 0 if name in schema.COUNTS else None for name in schema.NAMES if name not in given.columns}
    full = given.with_columns(pl.lit(value).alias(name) for name, value in absent.items())
    return full.select(pl.col(name).cast(dtypes[name]) for name in schema.NAMES)


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rows(options.rows, options.seed).write_parquet(options.output)


if __name__ == "__main__":
    main()
