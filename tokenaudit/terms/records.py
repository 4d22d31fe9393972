"""The tables ``[[price]]``, ``[[agreement]]`` and ``[[fx]]`` of the configuration, as records.

Fields have the names of the keys, save `first` and `last`: the keys are ``from`` and ``to``, both days inclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import msgspec

UNITS: dict[str, str] = {
    "input": "uncached_input_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_creation_5m_input_tokens",
    "cache_write_30m": "cache_creation_30m_input_tokens",
    "cache_write_1h": "cache_creation_1h_input_tokens",
    "cache_write_12h": "cache_creation_12h_input_tokens",
    "audio_input": "audio_input_tokens",
    "cache_read_audio": "cache_read_audio_input_tokens",
    "image_input": "image_input_tokens",
    "cache_read_image": "cache_read_image_input_tokens",
    "output": "output_tokens",
    "audio_output": "audio_output_tokens",
    "image_output": "image_output_tokens",
    "web_search": "web_search_requests",
}
"""Key of a price -> the usage column it prices."""
INSTEAD: dict[str, str] = {
    "cache_read": "input",
    "cache_write": "input",
    "cache_write_30m": "cache_write",
    "cache_write_1h": "cache_write_30m",
    "cache_write_12h": "cache_write_1h",
    "audio_input": "input",
    "cache_read_audio": "cache_read",
    "image_input": "input",
    "cache_read_image": "cache_read",
    "audio_output": "output",
    "image_output": "output",
}
"""Whose price holds where a price of one's own names none."""
TOKENS, FEES = "tokens", "fees"
"""What a discount applies to."""
RENAMED = {"first": "from", "last": "to"}


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename=RENAMED, kw_only=True):
    """A table of the configuration: keys that it does not know are refused."""


class Prices(Record, frozen=True, kw_only=True):
    """US dollars per million tokens, of web searches per thousand."""

    model: str
    """A pattern: ``claude-opus-*``."""
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_30m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    cache_write_12h: Decimal | None = None
    audio_input: Decimal | None = None
    cache_read_audio: Decimal | None = None
    image_input: Decimal | None = None
    cache_read_image: Decimal | None = None
    audio_output: Decimal | None = None
    image_output: Decimal | None = None
    web_search: Decimal | None = None
    first: date | None = None
    last: date | None = None

    def stated(self) -> dict[str, Decimal]:
        """Return the prices that are named, by key."""
        return {key: amount for key in UNITS if (amount := getattr(self, key)) is not None}


class Price(Prices, frozen=True, kw_only=True):
    """The price of a model that the price book lacks."""

    provider: str | None = None
    """Who sells it; None for whoever does."""
    assumed: bool = False
    """It is a guess: what it prices is ``estimated``."""


class Rate(Prices, frozen=True, kw_only=True):
    """A negotiated price in the place of the list price."""


class Tier(Record, frozen=True, kw_only=True):
    """The discount beyond a volume."""

    discount: Decimal
    over_usd: Decimal | None = None
    """Spend before discounts."""
    over_tokens: int | None = None


class Commit(Record, frozen=True, kw_only=True):
    """Spend promised for each period of an agreement."""

    amount: Decimal
    period: str = "term"
    overage: str = "contracted"
    """What holds beyond the amount: ``contracted`` prices or ``list`` prices."""
    shortfall: str = "billed"
    """What becomes of the part that is not used: ``billed`` or ``waived``."""


class Credit(Record, frozen=True, kw_only=True):
    """Credit that pays for usage until it expires."""

    amount: Decimal
    expires: date
    """Last day it can be used."""
    first: date | None = None
    name: str = "credit"
    paid: Decimal = Decimal(0)
    """What it cost: that part of the usage it pays for stays a cost."""


class Flat(Record, frozen=True, kw_only=True):
    """A fee that does not depend on usage: provisioned throughput, a priority tier, a platform, seats."""

    what: str
    amount: Decimal
    """Of one unit, for each `per`."""
    units: Decimal = Decimal(1)
    per: str = "month"
    first: date | None = None
    last: date | None = None
    currency: str = "USD"
    covers: Mapping[str, str | list[str]] | None = None
    """Usage that costs nothing beyond the fee: values or patterns by column, all of which must fit."""


class Agreement(Record, frozen=True, kw_only=True):
    """What was agreed with a vendor for some time."""

    id: str
    provider: str
    first: date | None = None
    last: date | None = None
    models: list[str] = msgspec.field(default_factory=lambda: ["*"])
    discount: Decimal | dict[str, Decimal] = Decimal(0)
    """Part of the list price that is taken off, for all models or by pattern."""
    applies_to: list[str] = msgspec.field(default_factory=lambda: [TOKENS, FEES])
    exclude: list[str] = msgspec.field(default_factory=list)
    """Patterns of models without discount."""
    tiers: str = "marginal"
    tier_period: str = "term"
    markup: Decimal = Decimal(0)
    """Added for charge-back, as a part of the spend; never inside it."""
    rate: list[Rate] = msgspec.field(default_factory=list)
    tier: list[Tier] = msgspec.field(default_factory=list)
    commit: Commit | None = None
    credit: list[Credit] = msgspec.field(default_factory=list)
    flat: list[Flat] = msgspec.field(default_factory=list)

    def prices_usage(self) -> bool:
        """Say whether the agreement says anything about what usage costs, beside flat fees."""
        return bool(self.discount or self.rate or self.tier or self.commit or self.credit or self.markup)

    def shares_out(self) -> bool:
        """Say whether what usage costs depends on other usage."""
        return bool(self.tier or self.commit or self.credit or self.markup)


class Fx(Record, frozen=True, kw_only=True, rename={"base": "from", "quote": "to"}):
    """An exchange rate: one unit of `base` is `rate` units of `quote` from a day on, until the next of the pair."""

    base: str
    quote: str
    on: date
    rate: Decimal
    until: date | None = None
    """Last day it holds, where that is before the next rate."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    prices: tuple[Price, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    fx: tuple[Fx, ...] = ()
