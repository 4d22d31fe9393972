"""Price the rows of a Parquet file; print the seconds that took, those of all threads, and what it came to.

python -m bench.priced ours FILE             all rows, one by one, with tokenaudit
python -m bench.priced genai FILE ROWS       the first ROWS rows, with `calc_price` of genai-prices

Starting Python, reading the file and looking the price book up are outside the time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from decimal import Decimal

import polars as pl

from tokenaudit.charges import charge
from tokenaudit.prices.book import load_book

COUNTED = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")


def ours(path: str) -> Callable[[], Decimal]:
    """Return what prices every row with tokenaudit."""
    usage, book = pl.read_parquet(path), load_book()

    def price() -> Decimal:
        charges = charge(usage.lazy(), book).select("effective_cost", "cost_basis").collect()
        total: Decimal = charges.select(pl.col("effective_cost").sum()).item()
        return total

    return price


def genai(path: str, rows: str) -> Callable[[], Decimal]:
    """Return what prices the first rows with genai-prices."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - the other side does without it

    wanted = ("provider", "request_model", "charge_period_start", "batch", *COUNTED)
    usage = pl.read_parquet(path, columns=list(wanted)).head(int(rows)).select(wanted).rows()

    def price() -> Decimal:
        total = Decimal(0)
        for provider, model, instant, batch, fresh, read, output in usage:
            total += calc_price(
                Usage(input_tokens=fresh + read, cache_read_tokens=read, output_tokens=output),
                model_ref=model,
                provider_id=provider,
                genai_request_timestamp=instant,
                price_context={"processing": "batch"} if batch else {},
            ).total_price
        return total

    return price


PRICERS: dict[str, Callable[..., Callable[[], Decimal]]] = {"ours": ours, "genai": genai}


def main() -> None:
    """Price once, and tell how long it took and what it came to."""
    price = PRICERS[sys.argv[1]](*sys.argv[2:])
    began, busy = time.perf_counter(), time.process_time()
    total = price()
    print(time.perf_counter() - began, time.process_time() - busy, total)


if __name__ == "__main__":
    main()
