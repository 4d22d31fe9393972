"""Each way of buying finds its offer, or says that another stands in."""

from __future__ import annotations

import polars as pl
import pytest

from tokenaudit.prices.book import load_book
from tokenaudit.prices.quotes import PURCHASES, REGION, US, quotes


def quoted(provider: str | None, name: str | None) -> dict[int, tuple[str | None, bool | None]]:
    """Return variant and `assumed` by wish."""
    names = {"provider": pl.String, "request_model": pl.String}
    book = load_book()
    found = quotes(pl.DataFrame([(provider, name)], names, orient="row"), book)
    joined = found.join(book.offers.select("offer", "variant"), on="offer", how="left")
    return {wish: (variant, assumed) for wish, variant, assumed in joined.select("wish", "variant", "assumed").rows()}


def test_there_is_an_answer_to_every_wish() -> None:
    """Known or not, a name has one row for each purchase, anywhere, in the United States and in another region."""
    assert set(quoted("openai", "gpt-5")) == set(quoted(None, "mystery")) == set(range(3 * US))
    assert set(quoted(None, "mystery").values()) == {(None, None)}


@pytest.mark.parametrize(
    ("name", "purchase", "region", "expected"),
    [
        ("claude-opus-5-5", "standard", 0, ("standard", False)),
        ("claude-opus-5-5", "standard", US, ("standard us", False)),
        ("claude-opus-5-5", "fast", US, ("fast us", False)),
        ("claude-opus-5-5", "priority", US, ("standard us", True)),
        ("claude-opus-4-5", "batch", US, ("batch", False)),
        ("claude-opus-4-5", "fast", 0, ("standard", True)),
        ("claude-opus-4-8-fast", "standard", 0, ("fast", False)),
        ("gpt-5", "flex", 0, ("flex", False)),
        ("gpt-5", "other", 0, ("standard", True)),
        ("gpt-5.4", "flex", REGION, ("flex regional", False)),
        ("gpt-5.4", "standard", US, ("standard regional", False)),
        ("gpt-5", "standard", REGION, ("standard", False)),
        ("claude-opus-5-5", "standard", REGION, ("standard", False)),
        ("gpt-6.1-sol", "ultrafast", US, ("ultrafast regional", False)),
    ],
)
def test_best_offer_for_a_wish(name: str, purchase: str, region: int, expected: tuple[str, bool]) -> None:
    """An offer that is not there is replaced by the standard one, which is marked."""
    assert quoted(None, name)[PURCHASES.index(purchase) + region] == expected


@pytest.mark.parametrize(
    ("provider", "name", "expected"),
    [
        ("vertex_ai", "claude-opus-4-5@20251101", "standard regional"),
        ("vertex_ai", "gemini-2.5-pro", "standard"),
        ("azure", "gpt-5.4", "standard"),
    ],
)
def test_regions_are_those_of_the_seller(provider: str, name: str, expected: str) -> None:
    """What a region costs at OpenAI says nothing about where a reseller computes."""
    assert quoted(provider, name)[REGION][0] == expected


def test_no_names_no_quotes() -> None:
    """An empty store can be priced."""
    empty = pl.DataFrame(schema={"provider": pl.Categorical, "request_model": pl.Categorical})
    assert quotes(empty, load_book()).is_empty()
