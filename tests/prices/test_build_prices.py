"""What is shipped is what the script builds, and says what genai-prices says."""

from __future__ import annotations

import importlib.util
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tokenaudit import schema
from tokenaudit.charges import LISTED, PRICE_DIMENSIONS, charge
from tokenaudit.prices.book import DATA, INPUT, OUTPUT, PRICE_CLASSES, SEARCH, PriceBook, load_book

SCRIPT = Path(__file__).parents[2] / "scripts" / "build_prices.py"
PINNED = json.loads((DATA / "book.json").read_text(encoding="utf-8"))["version"]
SAMPLES = 400


def installed() -> str | None:
    """Return the version of genai-prices, None where it is not installed."""
    try:
        return version("genai-prices")
    except PackageNotFoundError:
        return None


pytestmark = pytest.mark.skipif(installed() != PINNED, reason=f"needs genai-prices {PINNED}, a build-time dependency")


@cache
def script() -> ModuleType:
    """Return the build script as a module."""
    spec = importlib.util.spec_from_file_location("build_prices", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built() -> Any:
    """Return the price book as built just now."""
    return script().build()


@pytest.mark.parametrize("table", ["offers", "rates", "names"])
def test_shipped_tables_are_the_built_ones(built: Any, table: str) -> None:
    """The Parquet files hold what the script makes of the pinned source, row by row."""
    assert_frame_equal(pl.read_parquet(DATA / f"{table}.parquet"), getattr(built, table))


def test_shipped_description_is_the_built_one(built: Any) -> None:
    """`book.json` names the source, its version, its date and its licence."""
    assert json.loads((DATA / "book.json").read_text(encoding="utf-8")) == built.about


def test_building_twice_gives_the_same_files(built: Any, tmp_path: Path) -> None:
    """The files are the same to the byte."""
    for folder in (tmp_path / "a", tmp_path / "b"):
        script().write(built, folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_each_overlay_fact_names_its_source_and_day() -> None:
    """Every fact of ours says where it is published and when it was looked at."""
    facts = script().price_rates.read_overlay(script().OVERLAY)
    for fact in (fact for kind in facts.values() for fact in kind):
        assert fact["source"].startswith("https://")
        assert fact["checked"] <= load_book().date


class Sample(NamedTuple):
    """One request, as genai-prices sees it and as a row of ours."""

    expected: Decimal
    row: dict[str, Any]


CONTEXTS = {"standard": {}, "batch": {"processing": "batch"}, "fast": {"speed": "fast"}} | {
    tier: {"service_tier": tier} for tier in ("flex", "priority")
}


def prices_of(model: Any, variant: str, instant: datetime) -> Any:
    """Return the price of a model in force, None where genai-prices has no such variant then."""
    wanted = CONTEXTS[variant]
    has = any(
        v.when == wanted and (not v.constraint or v.constraint.active(instant)) for v in model.price_variants or ()
    )
    return model.get_prices(instant, wanted) if has or not wanted else None


def stated(price: Any) -> dict[str, Any]:
    """Return the prices that are stated, by their key."""
    return {key: value for key, value in vars(price).items() if value is not None}


def clean(price: Any) -> bool:
    """Say whether a price has at most six decimals, that is: whether it is not an artefact of binary floats."""
    values = stated(price).values()
    tiers = [tier.price for value in values for tier in getattr(value, "tiers", ())]
    parts = [*(getattr(value, "base", value) for value in values), *tiers]
    return all(part == round(part, 6) for part in parts)


def sample(draw: random.Random, book: PriceBook) -> Sample | None:
    """Return a random request for a random model at a random time; None where the two cannot be compared."""
    from genai_prices import Usage
    from genai_prices.data import providers

    provider = draw.choice(providers)
    model = draw.choice(provider.models)
    instant = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=draw.randrange(850 * 24 * 60))
    variant = draw.choice(["standard", "standard", *CONTEXTS])
    price = prices_of(model, variant, instant)
    keys = stated(price) if price else {}
    if "input_mtok" not in keys or not clean(price) or any("reasoning" in key for key in keys):
        return None
    counts = {
        name: draw.choice([0, 1, 999, 99_999, 150_001]) for name in ("uncached", "read", "5m", "1h", "output", "audio")
    }
    counts |= {"1h": 0} if "cache_write_1h_mtok" not in keys else {}
    counts |= {"audio": 0} if "input_audio_mtok" not in keys else {}
    counts |= {"output": 0} if "output_mtok" not in keys else {}
    searches = draw.randrange(5) if "web_searches_kcount" in keys else 0
    writes = counts["5m"] + counts["1h"]
    total = counts["uncached"] + counts["read"] + writes + counts["audio"]
    usage = Usage(
        input_tokens=total,
        cache_read_tokens=counts["read"],
        cache_write_tokens=writes,
        cache_write_1h_tokens=counts["1h"],
        input_audio_tokens=counts["audio"],
        output_tokens=counts["output"],
        web_searches=searches,
    )
    offer = book.offers.filter(seller=provider.id, price_model=model.id, variant=variant).row(0, named=True)
    row = {
        "offer": offer["offer"],
        "context_tier": sum(total > (offer[f"tier_{n}_above"] or 1 << 60) for n in (1, 2)),
        "price_instant": instant,
        "price_marks": INPUT * (total > 0) + OUTPUT * (counts["output"] > 0) + SEARCH * (searches > 0),
        "billing_currency": "USD",
        "requests": 1,
        "uncached_input_tokens": counts["uncached"],
        "cache_read_input_tokens": counts["read"],
        "cache_creation_5m_input_tokens": counts["5m"],
        "cache_creation_1h_input_tokens": counts["1h"],
        "audio_input_tokens": counts["audio"],
        "output_tokens": counts["output"],
        "estimated_output_tokens": counts["output"],
        "web_search_requests": searches,
    }
    return Sample(price.calc_price(usage)["total_price"], row)


def priced_rows(rows: list[dict[str, Any]]) -> pl.LazyFrame:
    """Return rows with everything that `charge` needs, in the order of `line`."""
    dtypes = {**schema.dtypes(), "model": pl.String(), "offer": pl.Int32(), "context_tier": pl.Int8()}
    dtypes |= {
        "price_instant": pl.Datetime("us", "UTC"),
        "price_end": pl.Datetime("us", "UTC"),
        "price_marks": pl.Int8(),
    }
    wanted = {*PRICE_DIMENSIONS, *schema.COUNTS, "estimated_output_tokens", "billed_cost", "list_cost", "line"}
    empty = {name: 0 if name in schema.COUNTS else None for name in wanted}
    complete = [{**empty, **row, "line": line} for line, row in enumerate(rows)]
    return pl.LazyFrame(complete, schema={name: dtypes[name] for name in sorted(wanted)})


def test_rates_are_those_of_genai_prices() -> None:
    """Random requests to random models at random times cost what genai-prices says, to the last digit."""
    draw, book = random.Random(7), load_book()
    samples = [found for _ in range(SAMPLES) if (found := sample(draw, book))]
    charged = charge(priced_rows([found.row for found in samples]), book).sort("line").collect()

    assert len(samples) > SAMPLES / 3
    assert charged["effective_cost"].to_list() == [found.expected for found in samples]
    assert not any(found.row["price_marks"] & LISTED for found in samples)


def test_every_name_of_genai_prices_finds_its_model() -> None:
    """Each name that a model is listed under, at its seller, finds the same model here."""
    from genai_prices.data import providers

    names = load_book().names
    for provider in providers:
        for text in (text for model in provider.models for text in script().price_names._spelt(model)):
            model = provider.find_model(text)
            assert names._match(provider.id, text) == (model and model.id)


def test_price_classes_are_those_of_the_package() -> None:
    """The script fills exactly the columns that the package prices by."""
    assert script().CLASSES == PRICE_CLASSES
