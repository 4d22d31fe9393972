"""A newer copy of the price book, made from a file that the user has fetched. Nothing here goes to the network.

A copy is written whole into a folder of its own and then named in one step, so that a report sees the old one or the
new one and never half of either. It counts while it is newer than the book that came with the program.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from tokenaudit.errors import PriceError
from tokenaudit.prices.book import CURRENT, DATA, PRICE_CLASSES, TABLES, PriceBook, copies, load_book, newest_folder
from tokenaudit.prices.making import facts, releases, tables
from tokenaudit.prices.making.rates import FIRST, LAST

OVERLAY = DATA / "overlay.toml"
KEY = ("seller", "price_model", "variant")


class Updated(NamedTuple):
    """What an update did."""

    before: PriceBook
    after: PriceBook
    """The book that counts now: the copy, or the bundled one where the copy is not newer."""
    folder: Path
    """Where the copy lies."""
    added: int
    """Offers that were not there before."""
    removed: int
    """Offers that are there no more."""
    changed: int
    """Offers with another price at some time."""
    counts: bool
    """The copy is what reports use from now on."""


def update(source: Path | None, today: date) -> Updated:
    """Make a copy of the price book from a file, and let it count.

    `source` is a wheel of genai-prices or of LiteLLM, or LiteLLM's price file (JSON); None takes the genai-prices that
    is installed beside this program. What the file does not hold stays as it is. Raises PriceError, and leaves what is
    there untouched, where the file cannot be read or its prices do not hold together.
    """
    before = load_book()
    made = _made(source, today)
    check(made, before)
    compared = _compared(before, made)
    folder = _written(made)
    after = load_book()
    return Updated(before, after, folder, *compared, counts=after is load_book(folder))


def reset() -> bool:
    """Remove the user's copies; return whether there were any."""
    there = copies().is_dir()
    shutil.rmtree(copies(), ignore_errors=True)
    return there


def _made(source: Path | None, today: date) -> tables.Made:
    """Make the tables that the file speaks of; the others are those of the book that counts."""
    overlay = facts.read(OVERLAY)
    if source is not None and releases.kind(source) == releases.LITELLM:
        return _with_undated(source, today)
    release, providers = releases.genai_prices(source, today)
    about = tables.about(release, None, providers, overlay)
    book = load_book()
    return tables.Made(tables.dated(providers, overlay), _kept(book)[1], {**about, "undated": book.about["undated"]})


def _with_undated(source: Path, today: date) -> tables.Made:
    book = load_book()
    release, prices = releases.litellm(source, today)
    dated, _ = _kept(book)
    undated = tables.undated_of(prices, dated, book.about["fallbacks"])
    return tables.Made(dated, undated, {**book.about, "undated": tables.described(release)})


def _kept(book: PriceBook) -> tuple[tables.Tables, tables.Tables]:
    """Return the tables of a book as they lie on the disk."""
    folder = book.undated.folder if book.undated else DATA
    frames = [pl.read_parquet(folder / name) for name in TABLES]
    return tables.Tables(*frames[:3]), tables.Tables(*frames[3:])


def check(made: tables.Made, before: PriceBook) -> None:
    """Raise PriceError for tables that do not hold together, or that lack half of what was there before."""
    if made.dated.offers.height * 2 < before.offers.height:
        hint = "is the file whole? What was there before is still used"
        raise PriceError(f"only {made.dated.offers.height} of {before.offers.height} offers are left", hint)
    for part in (made.dated, made.undated):
        _check_rates(part.rates)


def _check_rates(rates: pl.DataFrame) -> None:
    """Raise PriceError for prices below 0 or above a dollar a token, and for times without any."""
    names = [name for name in PRICE_CLASSES if name.endswith("_tokens") and not name.startswith("reasoning")]
    odd = rates.filter(pl.any_horizontal(pl.col(name).is_between(0, 1).not_() for name in names))
    ends = rates.group_by("offer", "context_tier").agg(pl.col("effective_from").min(), pl.col("effective_to").max())
    open_ended = ends.filter((pl.col("effective_from") != FIRST) | (pl.col("effective_to") != LAST))
    if not odd.is_empty():
        raise PriceError(f"{odd.height} prices are below 0 or above a dollar a token", "what was there is still used")
    if not open_ended.is_empty():
        raise PriceError(f"{open_ended.height} offers have times without a price", "what was there is still used")


def _written(made: tables.Made) -> Path:
    """Write a copy into a folder of its own, and name it in one step.

    The one that was named before stays, for reports that are reading it; older ones are removed.
    """
    place, before = copies(), newest_folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="book-", dir=place))
        tables.write(made, folder)
        pointer = folder.with_suffix(".new")
        pointer.write_text(folder.name, encoding="utf-8")
        pointer.replace(place / CURRENT)
    except OSError as error:
        raise PriceError(
            f"cannot write `{place}`: {error.strerror or error}", "what was there is still used"
        ) from error
    for old in place.glob("book-*"):
        if old not in (folder, before):
            with suppress(OSError):
                shutil.rmtree(old) if old.is_dir() else old.unlink()
    return folder


def _compared(before: PriceBook, after: tables.Made) -> tuple[int, int, int]:
    """Return how many offers were added, removed and changed, dated and undated ones."""
    old = pl.concat(_priced(part.offers, part.rates) for part in (before, before.undated) if part is not None)
    new = pl.concat(_priced(part.offers, part.rates) for part in (after.dated, after.undated))
    added, removed = new.join(old, on=KEY, how="anti").height, old.join(new, on=KEY, how="anti").height
    both = old.join(new, on=KEY, suffix="_after")
    return added, removed, both.filter(pl.col("rates") != pl.col("rates_after")).height


def _priced(offers: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """Return all rates of each offer as one value."""
    values = [name for name in rates.columns if name != "offer"]
    grouped = rates.sort("offer", *values).group_by("offer").agg(rates=pl.struct(values))
    return offers.join(grouped, on="offer").select(*KEY, pl.col("rates").list.eval(pl.element().struct.json_encode()))
