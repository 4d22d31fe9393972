"""The tables of money in the configuration: all keys, and what is said where one cannot be used."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tokenaudit.config import read
from tokenaudit.errors import ConfigError
from tokenaudit.terms.read import parse_assumed
from tokenaudit.terms.records import Agreement, Commit, Credit, Flat, Fx, Price, Rate, Terms, Tier

FULL = """
[[price]]
model = "house"
input = 0.1

[[agreement]]
id = "a"
provider = "anthropic"
from = 2026-01-01
until = "2026-12-31"
discount = { "claude-opus-*" = 0.2, "*" = 0.1 }

[[agreement.rate]]
model = "claude-haiku-*"
input = "0.80"

[agreement.commit]
amount = 1_000_000
period = "year"

[[agreement.credit]]
amount = 5
expires = 2026-06-30

[[agreement.flat]]
what = "seats"
amount = 30
covers = { models = ["x", "y"], user = "bot" }

[[agreement]]
id = "b"
provider = "openai"

[[agreement.tier]]
over_usd = 100
discount = 0.1

[[fx]]
from = "EUR"
to = "USD"
on = 2026-10-01
rate = 1.1
"""


def terms(tmp_path: Path, text: str) -> Terms:
    """Return what a configuration says of money."""
    path = tmp_path / "tokenaudit.toml"
    path.write_text(text, encoding="utf-8")
    found: Terms = read(path).terms
    return found


def test_every_table(tmp_path: Path) -> None:
    """Amounts are exact, whether written as numbers or as text; ``until`` is another word for ``to``."""
    assert terms(tmp_path, FULL) == Terms(
        prices=(Price(model="house", input=Decimal("0.1")),),
        agreements=(
            Agreement(
                id="a",
                provider="anthropic",
                first=date(2026, 1, 1),
                last=date(2026, 12, 31),
                discount={"claude-opus-*": Decimal("0.2"), "*": Decimal("0.1")},
                rate=[Rate(model="claude-haiku-*", input=Decimal("0.8"))],
                commit=Commit(amount=Decimal(1_000_000), period="year"),
                credit=[Credit(amount=Decimal(5), expires=date(2026, 6, 30))],
                flat=[Flat(what="seats", amount=Decimal(30), covers={"models": ["x", "y"], "user": "bot"})],
            ),
            Agreement(id="b", provider="openai", tier=[Tier(over_usd=Decimal(100), discount=Decimal("0.1"))]),
        ),
        fx=(Fx(base="EUR", quote="USD", on=date(2026, 10, 1), rate=Decimal("1.1")),),
    )


def test_without_money_nothing_is_loaded(tmp_path: Path) -> None:
    """A configuration that says nothing of money has no terms."""
    assert terms(tmp_path, 'timezone = "UTC"') is None


MISTAKES: tuple[tuple[str, str, str, str], ...] = (
    ("input = 0.1", "imput = 0.1", "unknown key `imput` in [[price]]", "did you mean `input`?"),
    ('input = "0.80"', 'cache = "0.80"', "unknown key `cache` in [[agreement.rate]]", ""),
    ("expires = 2026-06-30", "expires = 30", "cannot use `expires` in [[agreement.credit]]", ""),
    ("amount = 5", "", "missing required field `amount`", ""),
    ('period = "year"', 'period = "yaer"', "unknown period `yaer`", "did you mean `year`?"),
    ("discount = 0.1", "discount = 10", "discount = 10", "0.17 for 17 %"),
    ("discount = 0.1", "discount = 0.1234567", "discount = 0.1234567", "at most 6 decimal places"),
    ("over_usd = 100", "over_usd = 100\nover_tokens = 1", "a tier without one threshold", "either"),
    ("over_usd = 100", "over_usd = -1", "tiers out of order", "each above the one before"),
    ("user = ", "usr = ", "unknown column `usr`", "did you mean `user`?"),
    ("rate = 1.1", "rate = 0", "the rate 0", "above 0"),
    ('to = "USD"', 'to = "usd"', "the currency `usd`", "ISO 4217"),
    ('until = "2026-12-31"', "until = 2025-12-31", "days that end on 2025-12-31", "mend"),
)


@pytest.mark.parametrize(("right", "wrong", "message", "hint"), MISTAKES)
def test_mistakes_name_their_line(tmp_path: Path, right: str, wrong: str, message: str, hint: str) -> None:
    """File and line, what is wrong, and what to write."""
    assert right in FULL
    with pytest.raises(ConfigError) as caught:
        terms(tmp_path, FULL.replace(right, wrong, 1))
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    line = FULL[: FULL.index(right)].count("\n") + (1 if wrong else 0)
    assert f" of `{tmp_path / 'tokenaudit.toml'}:{line}`" in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FULL.replace('id = "b"', 'id = "a"'), "two [[agreement]] with the id `a`"),
        (FULL + '[[price]]\nmodel = "house"\noutput = 1\n', "two [[price]] of `house` on the same days"),
        (FULL + FULL[FULL.index("[[fx]]") :], "two rates from EUR to USD on 2026-10-01"),
        ('agreement = "x"', "`agreement` is no list of tables"),
        ("fx_file = 3", "`fx_file` is no path"),
        ('fx_file = "none.csv"', "cannot read `"),
    ],
)
def test_tables_that_do_not_go_together(tmp_path: Path, text: str, message: str) -> None:
    """What several tables say must fit."""
    with pytest.raises(ConfigError) as caught:
        terms(tmp_path, text)
    assert message in caught.value.message


def test_rates_in_a_file(tmp_path: Path) -> None:
    """A CSV beside the configuration; a line that cannot be read is named."""
    path = tmp_path / "rates.csv"
    path.write_text("on,from,to,rate\n2026-10-01,EUR,USD,1.08\n2026-11-01,EUR,USD,1.1\n")
    found = terms(tmp_path, 'fx_file = "rates.csv"')
    assert [(rate.on, rate.rate) for rate in found.fx] == [
        (date(2026, 10, 1), Decimal("1.08")),
        (date(2026, 11, 1), Decimal("1.1")),
    ]
    for line, message in (
        ("2026-10-02,EUR,,1", "no `to`"),
        ("2026-10-02,EUR,USD,x", "rates.csv:2`"),
        ("x,EUR,USD,1", ""),
    ):
        path.write_text(f"on,from,to,rate\n{line}\n")
        with pytest.raises(ConfigError) as caught:
            terms(tmp_path, 'fx_file = "rates.csv"')
        assert message in caught.value.message
        assert "rates.csv:2" in caught.value.message


def test_prices_of_the_command_line() -> None:
    """Provider and model, then two to five amounts; a model may hold slashes where its provider is named."""
    assert parse_assumed("openrouter/meta/llama-9=1/2.5") == Price(
        provider="openrouter", model="meta/llama-9", input=Decimal(1), output=Decimal("2.5"), assumed=True
    )
    assert parse_assumed("*/gpt-9=1/2").provider is None
    assert parse_assumed("gpt-9=1/2/0.1/1.25/2").cache_write_1h == 2
    for text in ("gpt-9", "gpt-9=1", "=1/2", "gpt-9=1/2/3/4/5/6", "gpt-9=a/b", "gpt-9=1/-2", "gpt-9=1/nan"):
        with pytest.raises(ConfigError):
            parse_assumed(text)
