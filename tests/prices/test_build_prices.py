"""What is shipped is what the script builds, and says what genai-prices says."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
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
from tokenaudit.prices.book import DATA, INPUT, OUTPUT, PRICE_CLASSES, SEARCH, load_book
from tokenaudit.prices.making import facts, names, rates, releases, tables, undated

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "build_prices.py"
ABOUT = json.loads((DATA / "book.json").read_text(encoding="utf-8"))
PINNED, PINNED_LIST = ABOUT["dated"]["version"], ABOUT["undated"]["version"]
SAMPLES = 5_000
GIVEN = os.environ.get("LITELLM_WHEEL")


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
def wheel() -> Path:
    """Return the wheel of LiteLLM: `$LITELLM_WHEEL`, or what `make prices` has downloaded. Skip without."""
    found = [Path(GIVEN)] if GIVEN else sorted(ROOT.glob(f".venv*/prices/litellm-{PINNED_LIST}-*.whl"))
    if not found:
        pytest.skip(f"no wheel of LiteLLM {PINNED_LIST}: run `make prices`, or name one as LITELLM_WHEEL")
    return found[0]


@pytest.fixture(scope="module")
def built() -> tables.Made:
    """Return the price book as built just now, with the undated tables that are there."""
    made: tables.Made = script().build(None)
    return made


@pytest.fixture(scope="module")
def overlay() -> dict[str, list[dict[str, Any]]]:
    """Return our own facts."""
    return facts.read(DATA / "overlay.toml")


def test_shipped_tables_are_the_built_ones(built: tables.Made) -> None:
    """The Parquet files hold what the script makes of the pinned source, row by row."""
    for name, frame in tables.files(built):
        assert_frame_equal(pl.read_parquet(DATA / name), frame)


def test_shipped_undated_tables_are_the_built_ones(wheel: Path) -> None:
    """So do those of LiteLLM, where its wheel is at hand."""
    made = script().build(wheel)
    for name, frame in tables.files(made):
        assert_frame_equal(pl.read_parquet(DATA / name), frame)
    assert made.about == ABOUT


def test_data_zones_keep_their_undated_price(built: tables.Made) -> None:
    """A dated price of the same model elsewhere does not stand for that of a data zone, which is dearer."""
    entry = {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 1.1e-6, "output_cost_per_token": 1e-5}
    prices = {"azure/eu/gpt-5": entry, "azure/gpt-5": entry}
    made = tables.undated_of(prices, built.dated, ABOUT["fallbacks"])
    assert made.offers["price_model"].unique().to_list() == ["azure/eu/gpt-5"]


def test_shipped_description_is_the_built_one(built: tables.Made) -> None:
    """`book.json` names the sources, their versions, dates and licence."""
    assert built.about == ABOUT


def test_shipped_tables_are_small() -> None:
    """All tables together stay under 300 KB."""
    assert sum(path.stat().st_size for path in DATA.glob("*.parquet")) < 300_000


def test_building_twice_gives_the_same_files(built: tables.Made, tmp_path: Path) -> None:
    """The files are the same to the byte."""
    for folder in (tmp_path / "a", tmp_path / "b"):
        tables.write(built, folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_each_overlay_fact_names_its_source_and_day(overlay: dict[str, list[dict[str, Any]]]) -> None:
    """Every fact of ours says where it is published and when it was looked at, and is about something that is sold."""
    sold = load_book().offers.select("seller", "price_model").unique().rows()
    for fact in (fact for kind in overlay.values() for fact in kind):
        assert fact["source"].startswith("https://")
        assert fact["checked"] <= load_book().date
        assert any(facts.concerns(fact, seller, fact.get("model", model)) for seller, model in sold)


# -- the same as genai-prices itself


class Sample(NamedTuple):
    """One request, as genai-prices sees it and as a row of ours."""

    expected: Decimal
    row: dict[str, Any]


CONTEXTS: dict[str, dict[str, str]] = {"standard": {}, "batch": {"processing": "batch"}, "fast": {"speed": "fast"}} | {
    tier: {"service_tier": tier} for tier in ("flex", "priority")
}
SIZES = [0, 1, 999, 99_999, 150_001, 10**9]


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


@cache
def offers() -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the shipped offers by seller, model and variant."""
    return {(o["seller"], o["price_model"], o["variant"]): o for o in load_book().offers.to_dicts()}


@cache
def contradicted(seller: str, model: str) -> bool:
    """Say whether the overlay lists the prices of a model as corrected: those are not what genai-prices says."""
    overlay = facts.read(DATA / "overlay.toml")
    listed = (fact for kind in (*facts.CORRECTIONS, "tier") for fact in overlay[kind])
    return any(facts.concerns(fact, seller, model) for fact in listed)


def comparable(provider: Any, model: Any, variant: str, instant: datetime) -> Any:
    """Return the price of a model at genai-prices, None where the two cannot be compared."""
    price = prices_of(model, variant, instant)
    if price is None or contradicted(provider.id, model.id):
        return None
    keys = stated(price)
    return price if "input_mtok" in keys and clean(price) and "output_citation_mtok" not in keys else None


def sample(provider: Any, model: Any, variant: str, instant: datetime, counts: dict[str, int]) -> Sample | None:
    """Return a request, with its cost as genai-prices sees it; None where the two cannot be compared."""
    from genai_prices import Usage

    price = comparable(provider, model, variant, instant)
    if price is None:
        return None
    known = {
        "1h": "cache_write_1h_mtok",
        "audio": "input_audio_mtok",
        "cached_audio": "cache_audio_read_mtok",
        "output": "output_mtok",
        "reasoning": "output_reasoning_mtok",
        "searches": "web_searches_kcount",
    }
    held = counts | {name: 0 for name, key in known.items() if key not in stated(price)}
    held["reasoning"] = min(held["reasoning"], held["output"])
    writes = held["5m"] + held["1h"]
    reads = held["read"] + held["cached_audio"]
    total = held["uncached"] + reads + writes + held["audio"]
    usage = Usage(
        input_tokens=total,
        cache_read_tokens=reads,
        cache_audio_read_tokens=held["cached_audio"],
        cache_write_tokens=writes,
        cache_write_1h_tokens=held["1h"],
        input_audio_tokens=held["audio"] + held["cached_audio"],
        output_tokens=held["output"],
        output_reasoning_tokens=held["reasoning"],
        web_searches=held["searches"],
    )
    offer = offers()[provider.id, model.id, variant]
    row = {
        "offer": offer["offer"],
        "context_tier": sum(total > (offer[f"tier_{n}_above"] or 1 << 60) for n in (1, 2)),
        "price_instant": instant,
        "price_marks": INPUT * (total > 0) + OUTPUT * (held["output"] > 0) + SEARCH * (held["searches"] > 0),
        "billing_currency": "USD",
        "requests": 1,
        "uncached_input_tokens": held["uncached"],
        "cache_read_input_tokens": held["read"],
        "cache_creation_5m_input_tokens": held["5m"],
        "cache_creation_1h_input_tokens": held["1h"],
        "audio_input_tokens": held["audio"],
        "cache_read_audio_input_tokens": held["cached_audio"],
        "output_tokens": held["output"],
        "reasoning_output_tokens": held["reasoning"],
        "estimated_output_tokens": held["output"],
        "web_search_requests": held["searches"],
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


def check(samples: list[Sample]) -> None:
    """Compare what samples cost, to the last digit."""
    charged = charge(priced_rows([found.row for found in samples]), load_book()).sort("line").collect()
    assert charged["effective_cost"].to_list() == [found.expected for found in samples]
    assert not any(found.row["price_marks"] & LISTED for found in samples)


COUNTED = ("uncached", "read", "5m", "1h", "audio", "cached_audio", "output", "reasoning", "searches")


def counts(**given: int) -> dict[str, int]:
    """Return the counts of a request."""
    return {**dict.fromkeys(COUNTED, 0), **given}


def test_rates_are_those_of_genai_prices() -> None:
    """5,000 random requests to random models at random times cost what genai-prices says, to the last digit."""
    from genai_prices.data import providers

    draw, samples = random.Random(7), list[Sample]()
    while len(samples) < SAMPLES:
        provider = draw.choice(providers)
        instant = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=draw.randrange(850 * 24 * 60))
        drawn = {name: draw.choice(SIZES) for name in counts() if name != "searches"}
        found = sample(
            provider,
            draw.choice(provider.models),
            draw.choice(["standard", "standard", *CONTEXTS]),
            instant,
            counts(**drawn, searches=draw.randrange(5)),
        )
        samples.extend([found] if found else [])
    check(samples)


def models() -> Iterator[tuple[Any, Any]]:
    """Yield every provider and model of genai-prices."""
    from genai_prices.data import providers

    yield from ((provider, model) for provider in providers for model in provider.models)


def dated(model: Any) -> set[datetime]:
    """Return the midnights at which any price of a model begins."""
    prices = model.prices if isinstance(model.prices, list) else []
    spans = [*prices, *(model.price_variants or ())]
    days = (getattr(span.constraint, "start_date", None) for span in spans)
    return {datetime.combine(day, time(), UTC) for day in days if day}


def test_each_dated_price_the_day_before_and_the_day_of() -> None:
    """Every price that begins on a day holds from that midnight on, and the one before it until then."""
    found = [
        sample(provider, model, variant, instant, counts(uncached=10**6, read=10**6, output=10**6))
        for provider, model in models()
        for day in dated(model)
        for instant in (day - timedelta(days=1), day - timedelta(microseconds=1), day)
        for variant in CONTEXTS
    ]
    samples = [item for item in found if item]
    assert len(samples) > 1_000
    check(samples)


def test_each_threshold_one_token_before_at_and_beyond() -> None:
    """Every context tier of every variant begins where genai-prices says, to the token."""
    samples = [
        found
        for provider, model in models()
        for variant in CONTEXTS
        for above in steps(provider.id, model.id, variant)
        for size in (above - 1, above, above + 1)
        for uncached in (size, 1)
        if (
            found := sample(
                provider,
                model,
                variant,
                datetime(2026, 11, 20, tzinfo=UTC),
                counts(uncached=uncached, read=size - uncached, output=1_000),
            )
        )
    ]
    assert len(samples) > 500
    check(samples)


def steps(*key: str) -> list[int]:
    """Return the thresholds of an offer."""
    offer = offers().get((key[0], key[1], key[2]), {})
    return [offer[name] for name in ("tier_1_above", "tier_2_above") if offer.get(name)]


def test_every_name_of_genai_prices_finds_its_model() -> None:
    """Each name that a model is listed under, at its seller, finds the same model here, or the one split from it."""
    from genai_prices.data import providers

    book = load_book().names
    parted = {fact["model"]: fact["of"] for fact in facts.read(DATA / "overlay.toml")["split"]}
    _, published = releases.genai_prices(None, load_book().date)
    for provider, read in zip(providers, published, strict=True):
        for text in (text for model in read.models for text in names.spelt(model)):
            model, found = provider.find_model(text), book._match(provider.id, text)
            assert parted.get(str(found), found) == (model and model.id)


def test_price_classes_are_those_of_the_package() -> None:
    """The build fills exactly the columns that the package prices by."""
    assert rates.CLASSES == PRICE_CLASSES


# -- the two sources against each other

DISAGREE: dict[str, str] = {
    r"openai gpt-image-.*": "the list prices the output by the image token only",
    r"azure azure(_ai)?/gpt-image-.*": "the list prices the output by the image token only",
    r"\w+ .*gpt-4o-mini-tts.*": "the list has a price for text output, which the model does not give",
    r"google .*gemini-3.8-flash-cyber": "genai-prices takes it for Gemini 3.8 Flash",
    r"google vertex_ai/claude-3-5-haiku.*": "not settled: 0.80/4 at Anthropic, 1/5 in the list",
    r"google vertex_ai/gemini-2.0-flash": "Vertex AI and the Gemini API have unlike prices",
    r"azure azure_ai/gpt-oss-120b": "genai-prices has the price of another host",
    r"azure azure/(ada|gpt-4-turbo.*|gpt-3.5-turbo-instruct-0914|text-embedding-.*)": "the list has a region's price",
    r"azure azure_ai/grok-3-mini": "Azure has a price of its own; genai-prices takes xAI's",
    r"azure azure_ai/claude-opus-5-5-fast": "fast mode, which the name asks for, is a variant here",
    r"aws openai\.gpt-6-(sol|luna)": "the list has the global price for bare ids, which are sold in one region",
    r"aws .*us-gov.*": "government regions have prices of their own",
    r"aws (bedrock/[a-z]+-[a-z]+-\d/|eu\.|apac\.|jp\.).*": "prices by region, which genai-prices does not have",
    r"aws (anthropic\.)?claude-.*": "the list has the global price for bare ids, which are sold in one region",
    r"x-ai xai/grok-code-fast.*": "the list has the price of the model that serves it now",
    r"mistral mistral/(.*-latest|mistral-medium|open-mistral-nemo)": "genai-prices has the model that it meant before",
    r"mistral mistral/mistral-large-4.*": "the list is late: the price fell on 29 October 2026",
    r"mistral mistral/mistral-embed.*": "genai-prices has a price for output, of which there is none",
    r"deepseek (deepseek/)?deepseek-(flash|v4-.*)": "the list has peak hours; noon is off-peak",
    r"deepseek (deepseek/)?deepseek-(chat|reasoner)": "the names are gone since July 2026",
    r"deepseek deepseek/deepseek-v3.2": "genai-prices has the price of another host",
    r"perplexity perplexity/sonar": "the list has the search model, genai-prices the agent's",
    r"together .*": "not settled: retired or changed this autumn",
    r"cloudflare .*": "one of them rounds prices that are in neurons",
    r"databricks .*": "prices in DBU, converted at different rates",
    r"ovhcloud .*": "prices in euro, converted at different rates",
    r"novita .*": "not settled: prices change weekly",
}
"""Models, as ``seller key``, whose price the two sources do not agree on, and why."""
COMPARED = ("uncached_input_tokens", "output_tokens")


def test_the_two_sources_agree(wheel: Path) -> None:
    """Models that both sources know cost the same at a noon, but for those listed with the cause; each is needed."""
    _, prices = releases.litellm(wheel, load_book().date)
    now = rates_at(datetime(2026, 11, 20, 12, tzinfo=UTC))
    unlike, alike = set(), 0
    for offer in undated.offers(prices):
        found = load_book().names.find(offer.seller, offer.model)
        ours = now.get((found.seller, found.price_model))
        if ours and not (found.assumed or found.undated):
            theirs = dict(zip(rates.CLASSES, rates.at(offer.histories["standard"][0].prices, 0), strict=True))
            same = all(ours[name] == round(theirs[name] or 0, 18) for name in COMPARED)
            alike += same
            unlike |= set() if same else {f"{offer.seller} {offer.model}"}

    assert {name for name in unlike if not any(re.fullmatch(known, name) for known in DISAGREE)} == set()
    assert {known for known in DISAGREE if not any(re.fullmatch(known, name) for name in unlike)} == set()
    assert alike > 900


def rates_at(noon: datetime) -> dict[tuple[str | None, str | None], dict[str, Any]]:
    """Return the standard rates at a noon, by seller and model."""
    book = load_book()
    minute = noon.hour * 60
    held = book.rates.filter(
        pl.col("effective_from") <= noon,
        pl.col("effective_to") > noon,
        pl.col("band_start") <= minute,
        pl.col("band_end") > minute,
        context_tier=0,
    )
    rows = held.join(book.offers.filter(variant="standard"), on="offer").iter_rows(named=True)
    return {(row["seller"], row["price_model"]): row for row in rows}
