"""Each step from a logged name to a price is told, and it is the look-up that pricing does."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit.prices.book import load_book
from tokenaudit.prices.own import OWN, with_own_prices
from tokenaudit.prices.trace import RULES, Step, trace
from tokenaudit.terms.records import Price

DAY = date(2026, 11, 20)


def steps(provider: str | None, name: str | None) -> list[Step]:
    """Return the steps of a name in the bundled book."""
    return trace(provider, name, DAY, load_book())


@pytest.mark.parametrize(
    ("provider", "name", "rule"),
    [
        (None, "claude-opus-4-5", "exact"),
        (None, "claude-sonnet-4-6-20260217", "snapshot"),
        (None, "claude-opus-4.5", "alias"),
        (None, "gpt-5.6", "alias"),
        (None, "GPT-5.6 Sol (Auto, high)", "alias"),
        ("azure", "prod-chat", "none"),
        (None, "claude-opus-4-55", "none"),
        (None, "<synthetic>", "none"),
        (None, None, "none"),
    ],
)
def test_kind_of_a_match(provider: str | None, name: str | None, rule: str) -> None:
    """The last step says how a name was matched."""
    assert steps(provider, name)[-1].rule == rule


def test_each_step_is_told() -> None:
    """A gateway's prefix, a list that has no such name, the writing that a list has."""
    assert steps("openrouter", "openrouter/anthropic/claude-4.6-sonnet-20260217") == [
        Step(
            "prefix",
            "openrouter/anthropic/claude-4.6-sonnet-20260217",
            "claude-4.6-sonnet-20260217",
            "openrouter",
        ),
        Step(
            "snapshot",
            "anthropic/claude-4.6-sonnet-20260217",
            "anthropic/claude-sonnet-4.6",
            "openrouter",
        ),
    ]


def test_lists_searched_in_vain_are_told() -> None:
    """A deployment's name is sought at its seller and at those whose models it resells, then given up."""
    found = steps("azure", "prod-chat")
    assert [step.seller for step in found[:2]] == ["azure", "openai"]
    assert {step.found for step in found} == {None}
    assert found[-1] == Step("none", "prod-chat", None, "azure")


@pytest.mark.parametrize(
    ("name", "day", "rule", "found"),
    [
        ("mistral-large-latest", date(2025, 12, 1), "exact", "mistral-large-latest"),
        ("mistral-large-latest", date(2025, 12, 2), "alias", "mistral-large-2512"),
        ("deepseek-chat", date(2026, 4, 23), "exact", "deepseek-chat"),
        ("deepseek-chat", date(2026, 4, 24), "alias", "deepseek-v4-flash"),
        ("deepseek-chat", date(2026, 7, 24), "alias", "deepseek-v4-flash"),
        ("deepseek-chat", date(2026, 7, 25), "none", None),
    ],
)
def test_names_that_move_on(name: str, day: date, rule: str, found: str | None) -> None:
    """What a name means depends on the day; one that is gone has no price."""
    last = trace(None, name, day, load_book())[-1]
    assert (last.rule, last.found) == (rule, found)


def test_an_undated_list_is_told_as_such() -> None:
    """Lists with dates come first; what only the last resort knows is marked."""
    found = steps("azure", "azure_ai/deepseek-r1")
    assert found[-1] == Step("fallback_source", "deepseek-r1", "azure_ai/deepseek-r1", "azure")
    assert {step.rule for step in found[:-1]} == {"prefix", "exact"}


def test_users_own_list_comes_first() -> None:
    """A deployment means what the user says; the rest of the look-up follows."""
    book = load_book()
    own = book._replace(names=book.names.with_models({"azure/prod-*": "azure/gpt-5-mini"}))
    found = trace("azure", "prod-chat", DAY, own)
    assert found[0] == Step("user", "prod-chat", "azure/gpt-5-mini")
    assert found[-1].found == "gpt-5-mini"
    assert trace("openai", "prod-chat", DAY, own)[-1].rule == "none"


NAMES = st.one_of(
    st.sampled_from(sorted({text for _, text in load_book().names.spelt})),
    st.from_regex(r"\A[a-z/.:@\[\]-]{0,12}[0-9.-]{0,6}\Z"),
)
PROVIDERS = st.sampled_from([None, "openai", "aws", "azure", "openrouter", "vertex_ai", "acme", "ollama"])


@given(provider=PROVIDERS, name=NAMES)
def test_the_last_step_is_what_pricing_finds(provider: str | None, name: str) -> None:
    """Whatever the name: the model of the last step is the one whose price holds, if any; all steps have a rule."""
    found, meant = steps(provider, name), load_book().names.find(provider, name)
    assert {step.rule for step in found} <= set(RULES)
    moved = {fact["of"] for fact in load_book().about["moved"] if fact["model"] == meant.price_model}
    decided = [step.found for step in found if step.rule != "none"]
    assert (decided[-1] if meant.price_model else found[-1].found) in {meant.price_model, *moved}


def test_a_price_of_ones_own_is_a_step() -> None:
    """What no list has and `[[price]]` does is found there, after all lists were searched."""
    price = Price(model="house-*", input=Decimal(1), output=Decimal(2))
    steps = trace(None, "house-llama", date(2026, 10, 14), with_own_prices(load_book(), [price]))
    assert [step.found for step in steps[:-1]] == [None] * (len(steps) - 1)
    assert (steps[-1].text, steps[-1].found, steps[-1].seller) == ("house-*", "house-llama", OWN)
