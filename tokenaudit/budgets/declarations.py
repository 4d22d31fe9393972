"""The records of ``[[budget]]`` and ``[policy]``: what may stand in them. Validation and JSON Schema both read these.

    [[budget]]
    id = "eng"
    scope = { team = ["eng"] }
    limits = [{ amount = 250000, period = "month", warn = 0.8, fail = 1.0 }]

Amounts and shares are Decimal, days are inclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

Window = Literal["day", "week", "month", "billing-month", "quarter", "year", "fiscal-year", "total"]
"""What a limit is for: weeks are those of ISO 8601, billing months and fiscal years begin as the configuration says."""
Cost = Literal["effective", "list", "billed"]
Level = Literal["fail", "warn", "off"]

FROM, UNTIL = {"key": "from"}, {"key": "until"}
"""Keys of days, as fields called `first` and `last`."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much may be spent in each window: an amount, tokens, or a share of what another budget spends."""

    period: Window
    """What the limit is for; `total` is one window from `from` until `until`."""
    amount: Decimal | None = None
    """Money."""
    tokens: int | None = None
    """Tokens of all classes."""
    share: Decimal | None = None
    """The part of the spend of `of` that this budget may be: 0.35."""
    of: str | None = None
    """The budget that `share` is a part of; without it the parent, else everything."""
    currency: str = "USD"
    """Currency of the amount. Money in other currencies is never added to it."""
    warn: Decimal = Decimal("0.8")
    """Warn from above this part of the limit."""
    fail: Decimal = Decimal(1)
    """Over from above this part of the limit."""
    first: date | None = field(default=None, metadata=FROM)
    """First day of a `total`."""
    last: date | None = field(default=None, metadata=UNTIL)
    """Last day of a `total`, inclusive."""


@dataclass(frozen=True, slots=True)
class Pool:
    """What one member of a shared budget may take of it."""

    each: str
    """The dimension whose values are the members, such as `user`."""
    amount: Decimal | None = None
    """Money that one member may take in a window of the budget."""
    tokens: int | None = None
    """Tokens that one member may take in a window of the budget."""


@dataclass(frozen=True, slots=True)
class Grant:
    """More for a while: used before whatever expires later, and gone afterwards."""

    reason: str
    first: date = field(metadata=FROM)
    """First day on which it can be used."""
    last: date = field(metadata=UNTIL)
    """Last day on which it can be used, inclusive."""
    amount: Decimal | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Rollover:
    """What a window leaves of its limit goes to the next one, and no further."""

    max: Decimal
    """The most that is carried over, as a part of the limit: 0.2."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """Another limit for a while, for the whole budget or for one value of its `each`."""

    reason: str
    period: Window
    """The window whose limit it replaces."""
    last: date = field(metadata=UNTIL)
    """Last day on which it holds, inclusive."""
    first: date | None = field(default=None, metadata=FROM)
    """First day on which it holds; without it, any day up to the last."""
    amount: Decimal | None = None
    tokens: int | None = None
    key: str | None = None
    """The value of `each`; it may be written under the name of that dimension: ``user = "alice"``."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on what a part of the usage may cost."""

    id: str
    """How the budget is called."""
    scope: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """What it is about, by dimension or `tag.NAME`: any of a list, all of several keys; * stands for any letters."""
    limits: tuple[Limit, ...] = ()
    each: str | None = None
    """A dimension: one budget for each of its values, such as `user`."""
    parent: str | None = None
    """The budget that this one is a part of: it counts nothing that the parent does not count."""
    pool: Pool | None = None
    """What one member may take."""
    grants: tuple[Grant, ...] = ()
    rollover: Rollover | None = None
    exceptions: tuple[Exemption, ...] = ()
    cost: Cost = "effective"
    """Which money counts."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A limit on how bad the data may be."""

    limit: Decimal
    """A share such as 0.01; of `stale`, days."""
    level: Level = "fail"
    by: str = "user"
    """Of `unattributed`: the dimension that may be missing."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of ``[policy]``: a limit, or a table with `limit` and `level`."""

    unpriced: Decimal | Policy = Policy(Decimal("0.01"))
    """The most of all tokens that may have no price."""
    rejected: Decimal | Policy = Policy(Decimal("0.01"))
    """The most of all lines that may have been unreadable."""
    stale: Decimal | Policy = Policy(Decimal(3))
    """The most days that the newest row may be old."""
    unattributed: Decimal | Policy = Policy(Decimal(1), "off")
    """The most of the spend that may be nobody's."""
