"""Write canonical usage rows as CSV and as JSON lines: seeded, any number of rows, for speed measurements.

    python bench/gen_usage.py OUT_DIR ROWS [--seed 7] [--part-rows 100000] [--formats csv,jsonl]

Each format becomes one file of 15 columns (160 bytes a row as CSV). Both hold the same rows; the sums of every count
and of the money stand in ``truth.json`` beside them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import polars as pl

MODELS = (
    ("gpt-5", "openai"), ("gpt-5-mini", "openai"), ("gpt-5-nano", "openai"), ("gpt-4.1", "openai"), ("o3", "openai"),
    ("claude-opus-4-5", "anthropic"), ("claude-sonnet-4-5", "anthropic"), ("claude-haiku-4-5", "anthropic"),
    ("gemini-3-pro-preview", "google"), ("gemini-2.5-flash", "google"),
)  # fmt: skip
USERS, PROJECTS, KEYS = 5000, 300, 9973
MONTHS_US = 10 * 30 * 86_400_000_000
"""Ten months from January 2026."""
PART_ROWS = 100_000
"""Rows made at a time: a million with their JSON took gigabytes."""
COUNTS = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "reasoning_output_tokens")
RECORD = (
    '\x01"response_id":"{}","charge_period_start":"{}","provider":"{}","account":"{}","project":"{}","user":"{}",'
    '"api_key":"{}","request_model":"{}","service_tier":"{}","uncached_input_tokens":{},"cache_read_input_tokens":{},'
    '"output_tokens":{},"reasoning_output_tokens":{},"billed_cost":{},"billing_currency":"{}"\x02'
)


def bits(seed: int, salt: int) -> pl.Expr:
    """Return 64 random bits a row that depend on the row's number only (splitmix64), the same in every version."""
    state = (pl.col("row").cast(pl.UInt64) + (seed * 1000 + salt) * (1 << 40)) * pl.lit(0x9E3779B97F4A7C15, pl.UInt64)
    state = (state ^ (state // (1 << 30))) * pl.lit(0xBF58476D1CE4E5B9, pl.UInt64)
    state = (state ^ (state // (1 << 27))) * pl.lit(0x94D049BB133111EB, pl.UInt64)
    return state ^ (state // (1 << 31))


def noise(seed: int, salt: int, below: int) -> pl.Expr:
    """Return random whole numbers in [0, below)."""
    return (bits(seed, salt) % below).cast(pl.Int64)


def named(names: tuple[str, ...], index: pl.Expr) -> pl.Expr:
    """Return the name at each index."""
    return index.replace_strict(dict(enumerate(names)), return_dtype=pl.String)


def part(start: int, stop: int, total: int, seed: int) -> pl.DataFrame:
    """Return rows `start` to `stop` of `total`, as text and numbers in the order of the file's columns."""
    model, user = noise(seed, 1, len(MODELS)), noise(seed, 2, USERS)
    whole, output = noise(seed, 3, 60_000), noise(seed, 4, 8_000)
    cached = pl.when(noise(seed, 5, 10) < 4).then(whole * noise(seed, 6, 100) // 100).otherwise(0)
    instant = pl.lit(0) + pl.col("row") * (MONTHS_US // total) + noise(seed, 7, 1_000_000)
    return pl.select(row=pl.int_range(start, stop)).select(
        response_id=pl.format(
            "req_{}{}",
            bits(seed, 8).cast(pl.String).str.zfill(20),
            noise(seed, 9, 10**8).cast(pl.String).str.zfill(8),
        ),
        charge_period_start=(
            pl.lit("2026-01-01").str.to_datetime("%Y-%m-%d") + pl.duration(microseconds=instant)
        ).dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        provider=named(tuple(provider for _, provider in MODELS), model),
        account=pl.lit("org-AbC123"),
        project=pl.format("proj-{}", noise(seed, 10, PROJECTS)),
        user=pl.format("user{}@example.com", user),
        api_key=pl.format("sk-...{}", user * 7 % KEYS),
        request_model=named(tuple(name for name, _ in MODELS), model),
        service_tier=pl.lit("standard"),
        uncached_input_tokens=whole - cached,
        cache_read_input_tokens=cached,
        output_tokens=output,
        reasoning_output_tokens=output * noise(seed, 11, 50) // 100,
        billed_cost=(whole * 25 + output * 100).cast(pl.Decimal(38, 7)) / pl.lit(10_000_000).cast(pl.Decimal(38, 0)),
        billing_currency=pl.lit("USD"),
    )


def write(out: Path, rows: int, part_rows: int, seed: int, formats: list[str]) -> None:
    """Write the files and the truth, part after part in bounded memory."""
    out.mkdir(parents=True, exist_ok=True)
    files = {name: (out / f"usage.{name}").open("wb") for name in formats}
    sums: dict[str, object] = {"rows": rows}
    for start in range(0, rows, part_rows):
        frame = part(start, min(start + part_rows, rows), rows, seed)
        for name, file in files.items():
            text = frame if name == "csv" else frame.select(record(frame))
            text.write_csv(
                file, include_header=name == "csv" and start == 0, quote_style="necessary" if name == "csv" else "never"
            )
        for name, value in frame.select(pl.col(*COUNTS, "billed_cost").sum()).row(0, named=True).items():
            sums[name] = sums.get(name, 0) + value
    for file in files.values():
        file.close()
    (out / "truth.json").write_text(json.dumps(sums, default=str) + "\n", encoding="utf-8")


def record(frame: pl.DataFrame) -> pl.Expr:
    """Return each row as the text of a JSON object."""
    text = pl.format(RECORD, *frame.columns)
    return text.str.replace("\x01", "{", literal=True).str.replace("\x02", "}", literal=True)


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--part-rows", type=int, default=PART_ROWS)
    parser.add_argument("--formats", default="csv,jsonl")
    options = parser.parse_args()
    write(options.out, options.rows, options.part_rows, options.seed, options.formats.split(","))


if __name__ == "__main__":
    main()
