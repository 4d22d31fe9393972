"""Build the price book that tokenaudit ships: ``python scripts/build_prices.py --litellm WHEEL``.

Reads the installed genai-prices (a build-time dependency, pinned in pyproject.toml), a wheel of LiteLLM and the facts
of `overlay.toml`, and writes the tables and `book.json` of `tokenaudit/prices/data`. The wheel is the one that
`requirements/prices.txt` pins with its hash; `make prices` downloads it. Without it the undated tables stay as they
are. The same inputs give the same tables; a test holds what is shipped against what is built.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import polars as pl

from tokenaudit.prices.book import DATA, TABLES
from tokenaudit.prices.making import facts, releases, tables

OVERLAY = DATA / "overlay.toml"


def build(litellm: Path | None, folder: Path = DATA) -> tables.Made:
    """Return the price book; without a wheel of LiteLLM the undated tables are those in `folder`."""
    overlay = facts.read(OVERLAY)
    release, providers = releases.genai_prices(None, tables.checked(overlay))
    dated = tables.dated(providers, overlay)
    if litellm is None:
        kept = json.loads((folder / "book.json").read_text(encoding="utf-8"))["undated"]
        undated = tables.Tables(*(pl.read_parquet(folder / name) for name in TABLES[3:]))
        return tables.Made(dated, undated, {**tables.about(release, None, providers, overlay), "undated": kept})
    listed, prices = releases.litellm(litellm, tables.checked(overlay))
    about: dict[str, Any] = tables.about(release, listed, providers, overlay)
    return tables.Made(dated, tables.undated_of(prices, dated, about["fallbacks"]), about)


def main() -> None:
    """Build and write the price book, and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--litellm", type=Path, help="a wheel of LiteLLM, or its price file")
    made = build(parser.parse_args().litellm)
    tables.write(made, DATA)
    for name, frame in tables.files(made):
        print(f"{name}: {frame.height} rows, {(DATA / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
