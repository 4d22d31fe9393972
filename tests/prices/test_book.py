"""The tables of the bundled price book hold together."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tokenaudit.prices.book import INPUT, OUTPUT, PRICE_CLASSES, UNDATED_OFFERS, PriceBook, load_book
from tokenaudit.schema import INPUT_CLASSES, OUTPUT_CLASSES

DAY = 24 * 60
KEY = ("offer", "context_tier")


@pytest.fixture(scope="module")
def book() -> PriceBook:
    """Return the bundled price book."""
    return load_book()


def rates(book: PriceBook, seller: str, model: str, variant: str = "standard") -> pl.DataFrame:
    """Return all rates of one offer."""
    (offer,) = book.offers.filter(seller=seller, price_model=model, variant=variant)["offer"]
    return book.rates.filter(offer=offer)


def test_book_says_where_it_is_from(book: PriceBook) -> None:
    """A reader can name the source, its version and the day it was last looked at."""
    assert re.fullmatch(r"genai-prices [\d.]+, litellm [\d.]+, overlay 20[\d-]+", book.version)
    assert book.date.year >= 2026
    assert load_book() is book


def test_an_offer_is_there_once(book: PriceBook) -> None:
    """Seller, model and variant name one offer; offers are numbered from 0."""
    assert book.offers.select("seller", "price_model", "variant").is_unique().all()
    assert book.offers["offer"].to_list() == list(range(book.offers.height))
    assert set(book.rates["offer"]) == set(book.offers["offer"])


def test_rates_cover_all_time_once(book: PriceBook) -> None:
    """At every instant exactly one rate of each offer and context tier holds."""
    for day in range(7):
        held = book.rates.filter(pl.col("weekdays") // 2**day % 2 == 1)
        spans = held.group_by(*KEY, "effective_from", "effective_to").agg(
            pl.col("band_start").sort(), pl.col("band_end").sort()
        )
        ends_meet = pl.concat_list("band_start", pl.lit(DAY)) == pl.concat_list(pl.lit(0), "band_end")
        assert spans.select(ends_meet.all()).item()
        _cover(spans)
    assert book.rates.select(pl.col("weekdays").is_between(1, 127).all()).item()


def _cover(spans: pl.DataFrame) -> None:
    """Check that the intervals of each tier of an offer follow each other from the year 1 to the year 9999."""
    ends = spans.group_by(KEY).agg(pl.col("effective_from").sort(), pl.col("effective_to").sort())
    for starts, stops in ends.select("effective_from", "effective_to").iter_rows():
        assert starts[1:] == stops[:-1]
        assert (starts[0].year, stops[-1].year) == (1, 9999)


def test_every_tier_of_an_offer_has_rates(book: PriceBook) -> None:
    """An offer with n thresholds has the context tiers 0 to n, and thresholds rise."""
    tiers = book.rates.group_by("offer").agg(pl.col("context_tier").unique().sort())
    above = book.offers.with_columns(count=pl.sum_horizontal(pl.col("^tier_._above$").is_not_null()))
    joined = above.join(tiers, on="offer")
    assert joined.select(pl.col("context_tier").list.max() == pl.col("count")).to_series().all()
    assert joined.select(pl.col("context_tier").list.len() == pl.col("count") + 1).to_series().all()
    assert above.filter(pl.col("tier_2_above") <= pl.col("tier_1_above")).is_empty()


def test_all_input_is_priced_or_none(book: PriceBook) -> None:
    """A price for text input or output means a price for all its classes: fallbacks are in the table."""
    priced = pl.col("priced")
    for bit, classes in ((INPUT, INPUT_CLASSES), (OUTPUT, OUTPUT_CLASSES)):
        missing = book.rates.filter(priced & bit == 0)
        assert missing.select(pl.sum_horizontal(classes).sum()).item() == 0


def test_rates_are_exact_decimals_never_below_zero(book: PriceBook) -> None:
    """List prices have at most twelve places per token, factors add one or two; the table holds eighteen."""
    for name in PRICE_CLASSES:
        column = book.rates[name]
        assert column.dtype == pl.Decimal(38, 18)
        whole = column + book.rates["output_tokens"] if name == "reasoning_output_tokens" else column
        assert whole.is_between(Decimal(0), Decimal(1)).all()


def test_missing_cache_prices_fall_back(book: PriceBook) -> None:
    """No price for a cache: the input price; no price for one hour: twice the input price for Claude."""
    plain = rates(book, "openai", "gpt-4").row(0, named=True)
    assert plain["cache_read_input_tokens"] == plain["cache_creation_1h_input_tokens"] == Decimal("0.00003")
    claude = rates(book, "aws", "global.anthropic.claude-sonnet-4-20250514-v1:0").row(0, named=True)
    assert claude["cache_creation_1h_input_tokens"] == 2 * claude["uncached_input_tokens"]
    assert claude["cache_creation_30m_input_tokens"] == Decimal("0.00000375")


def test_cache_writes_of_openai_by_life(book: PriceBook) -> None:
    """Half an hour costs 1.25 times the input, twelve hours 2.5 times."""
    astra = rates(book, "openai", "gpt-6-astra").row(0, named=True)
    assert astra["cache_creation_30m_input_tokens"] == Decimal("0.0000125")
    assert astra["cache_creation_12h_input_tokens"] == Decimal("0.000025")


def test_batch_is_half_price_before_the_source_recorded_it(book: PriceBook) -> None:
    """The discount is older than the record of it, retired models included; a search costs the same."""
    for seller, model in (("openai", "gpt-5"), ("anthropic", "claude-opus-4-1"), ("anthropic", "claude-opus-4-6")):
        whole, half = rates(book, seller, model), rates(book, seller, model, "batch")
        first, discounted = whole.row(0, named=True), half.row(0, named=True)
        assert discounted["effective_from"].year == 1
        assert discounted["output_tokens"] == first["output_tokens"] / 2
        assert discounted["web_search_requests"] == first["web_search_requests"] == Decimal("0.01")


@pytest.mark.parametrize(
    ("model", "factor"),
    [("claude-opus-4-6", 6), ("claude-opus-4-7", 6), ("claude-opus-4-8", 2), ("claude-opus-5-5", 2)],
)
def test_fast_mode_multiplies_every_token_class(book: PriceBook, model: str, factor: int) -> None:
    """Fast mode is a factor on tokens, long context and cache included, and not on searches."""
    usual, fast = (rates(book, "anthropic", model, variant) for variant in ("standard", "fast"))
    for column in PRICE_CLASSES:
        expected = usual[column] * (1 if column == "web_search_requests" else factor)
        assert fast[column].to_list() == expected.to_list()


def test_inference_kept_in_the_united_states_costs_a_tenth_more(book: PriceBook) -> None:
    """`inference_geo` stacks with fast mode, and exists from Claude Opus 4.6 on."""
    fast, inside = (
        rates(book, "anthropic", "claude-opus-5-5", variant)["output_tokens"] for variant in ("fast", "fast us")
    )
    assert inside.to_list() == [Decimal("0.000044")]
    assert fast.to_list() == [Decimal("0.00004")]
    assert book.offers.filter(seller="anthropic", price_model="claude-opus-4-5", variant="standard us").is_empty()


WAYS = [("batch", "<="), ("flex", "<="), ("priority", ">="), ("fast", ">="), ("ultrafast", ">=")]


@pytest.mark.parametrize(("variant", "than"), WAYS)
def test_cheaper_and_dearer_ways_to_buy(book: PriceBook, variant: str, than: str) -> None:
    """At any tier, day and hour of any model: batch and flex never exceed the standard price, others never undercut."""
    assert book.undated is not None
    parts = ((book.offers, book.rates), (book.undated.offers, book.undated.rates))
    full = pl.concat(offers.join(held, on="offer") for offers, held in parts).filter(pl.col("priced") > 0)
    pairs = full.filter(variant=variant).join(
        full.filter(variant="standard"), on=["seller", "price_model", "context_tier"], suffix="_usual"
    )
    both = pairs.filter(
        pl.col("effective_from") < pl.col("effective_to_usual"),
        pl.col("effective_from_usual") < pl.col("effective_to"),
        pl.col("band_start") < pl.col("band_end_usual"),
        pl.col("band_start_usual") < pl.col("band_end"),
    )
    low, high = ("", "_usual") if than == "<=" else ("_usual", "")
    tokens = [name for name in PRICE_CLASSES if name.endswith("_tokens") and not name.startswith("reasoning")]
    odd = both.filter(pl.any_horizontal(pl.col(name + low) > pl.col(name + high) for name in tokens))
    assert both.height > 0
    assert odd.select("seller", "price_model").rows() == []


def test_undated_prices_hold_together(book: PriceBook) -> None:
    """They have offers, rates and names of their own, numbered apart, and hold at all times."""
    assert book.undated is not None
    offers, found = book.undated.offers, book.undated.rates
    assert offers["offer"].to_list() == list(range(UNDATED_OFFERS, UNDATED_OFFERS + offers.height))
    assert found.schema == book.rates.schema
    assert offers.schema == book.offers.schema
    assert set(found["offer"]) == set(offers["offer"])
    assert found.select(pl.struct(*KEY).is_unique().all()).item()
    assert set(book.undated.names.spelt.values()) == set(offers["price_model"])


def test_undated_prices_are_read_when_needed_only() -> None:
    """A book whose dated prices know all names reads no file of undated ones."""
    code = (
        "from tokenaudit.prices.book import load_book; book = load_book();"
        "book.names.find('openai', 'gpt-5'); book.names.find(None, 'claude-opus-5'); book.all_rates();"
        "print(sorted(vars(book.undated))); book.names.find('deepinfra', 'gpt-5'); print(sorted(vars(book.undated)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['folder']", "['folder', 'names']"]


def test_loading_needs_neither_numpy_nor_pydantic() -> None:
    """The book is read without the libraries that it is built with, and without numpy or pyarrow."""
    code = (
        "import sys; from tokenaudit.prices.book import load_book; load_book();"
        "print([name for name in ('genai_prices', 'numpy', 'pyarrow', 'pydantic') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
