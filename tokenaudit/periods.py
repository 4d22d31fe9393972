"""Periods as people write them: ``2026-10``, ``2026-Q3``, ``last-month``, ``2026-01..2026-10``, ``30d``, ``mtd``.

Two views of the same period are kept side by side:

* instants, half-open: ``start <= t < end``, UTC, at the local midnights of a time zone;
* dates, both inclusive, as people count: ``first`` and ``last``.

"Now" is always a date that is handed in (`as_of`), never the clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from typing import Literal, NamedTuple

from tokenaudit.errors import PeriodError, did_you_mean

Unit = Literal["days", "months", "month-to-date", "year-to-date", "all"]
"""What `previous` steps back by."""

DAY = timedelta(days=1)
QUARTER, YEAR = 3, 12
"""Months of a quarter and of a year."""
YEARS = (1970, 2999)
"""Years a period may touch: outside of them is a typing error, not a date anyone was billed for."""
ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""Bounds of the period ``all``: real instants that every row lies between, so that a filter needs no special case."""

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
"""Names of the months; those of the calendar module follow the locale."""

HELP = "write 2026-10, 2026-10-14, 2026, 2026-Q3, 2026-W41, 2026-10-01..2026-10-15, 30d, today, last-month, mtd or all"
"""The forms of a period, as a hint."""


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time. ``start`` and ``end`` are UTC and half-open; ``first`` and ``last`` are local dates, inclusive.

    The period ``all`` is `open`: its bounds are those of `ALWAYS`, and `echo` tells them as null.
    """

    start: datetime
    end: datetime
    name: str
    """As a person says it: ``October 2026``, ``1-15 October 2026``, ``Q3 2026``, ``all``."""
    timezone: str
    """IANA name of the zone whose midnights bound the period."""
    first: date
    last: date
    unit: Unit = "days"

    @property
    def open(self) -> bool:
        """Tell whether this is ``all``, which has no bounds."""
        return self.unit == "all"

    @property
    def days(self) -> int:
        """Return the number of local days."""
        return (self.last - self.first).days + 1

    def echo(self) -> dict[str, str | None]:
        """Return ``start``, ``end`` (ISO 8601, UTC; null for ``all``) and ``timezone``, as JSON reports echo them.

        >>> parse_period("2026-10", date(2026, 11, 2), "Europe/Berlin").echo()
        {'start': '2026-09-30T22:00:00Z', 'end': '2026-10-31T23:00:00Z', 'timezone': 'Europe/Berlin'}
        """
        start, end = (None, None) if self.open else (_iso(self.start), _iso(self.end))
        return {"start": start, "end": end, "timezone": self.timezone}


class Span(NamedTuple):
    """Local dates from `first` to `last`, both inclusive, and what to step back by."""

    first: date
    last: date
    unit: Unit = "days"


def parse_period(text: str, as_of: date, timezone: str = "UTC") -> Period:
    """Read a period as a person writes it.

    `as_of` is today for relative forms, `timezone` the zone whose midnights bound it.
    Raises PeriodError for a form, date or zone that does not exist, with a hint that says what would.

    >>> now = date(2026, 10, 14)
    >>> parse_period("last-month", now).name, parse_period("30d", now).name, parse_period("2026-W41", now).name
    ('September 2026', '15 September to 14 October 2026', 'week 41 of 2026')
    >>> period = parse_period("2026-10", now, "Europe/Berlin")
    >>> f"{period.start} {period.end}"
    '2026-09-30 22:00:00+00:00 2026-10-31 23:00:00+00:00'
    """
    word = text.strip()
    if word.lower() == "all":
        return _always(timezone)
    try:
        span = _range(word, as_of) if ".." in word else _single(word, as_of)
    except (ValueError, OverflowError) as error:
        raise PeriodError(f"`{text}` is not in the calendar: {error}", _respelled(word) or HELP) from error
    if not YEARS[0] <= span.first.year <= span.last.year <= YEARS[1]:
        raise PeriodError(f"the period `{text}` lies outside of {YEARS[0]} to {YEARS[1]}", HELP)
    return _period(span, timezone)


def parse_date(text: str) -> date:
    """Read a date such as ``2026-10-14``. Raises PeriodError for anything else.

    >>> parse_date("2026-10-14")
    datetime.date(2026, 10, 14)
    """
    word = text.strip()
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", word):
            return date.fromisoformat(word)
    except ValueError as error:
        raise PeriodError(f"`{text}` is not in the calendar: {error}", "write a date as 2026-10-14") from error
    raise PeriodError(f"cannot read the date `{text}`", _respelled(word) or "write a date as 2026-10-14")


def previous(period: Period) -> Period | None:
    """Return what a period is compared with: as many calendar months before whole months, else as many days before.

    Month and year to date compare with the same days of the month or year before. ``all`` has nothing before it.

    >>> def before(text):
    ...     return previous(parse_period(text, date(2026, 3, 31))).name
    >>> before("2026-10"), before("2026-Q1"), before("2026"), before("2026-01..2026-02")
    ('September 2026', 'Q4 2025', '2025', 'November to December 2025')
    >>> before("2026-W41"), before("7d"), before("mtd"), before("ytd")
    ('week 40 of 2026', '18-24 March 2026', 'February 2026', 'Q1 2025')
    """
    return None if period.open else _period(BEFORE[period.unit](period), period.timezone)


@cache
def timezone(name: str) -> tzinfo:
    """Return the time zone of an IANA name; ``str()`` of it is that name again. UTC needs no time zone data.

    Raises PeriodError for an unknown name.

    >>> str(timezone("Europe/Berlin")), str(timezone("UTC"))
    ('Europe/Berlin', 'UTC')
    """
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, available_timezones

    try:
        if name[:1].isupper():
            return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        pass
    raise PeriodError(f"unknown time zone `{name}`", _zone_hint(name, sorted(available_timezones())))


def today(zone: str = "UTC") -> date:
    """Return the date it is in a time zone, by the clock: the default of "now"."""
    return datetime.now(timezone(zone)).date()


# -- the grammar: words, written-out dates, N days, ranges


def _month(day: date, steps: int = 0) -> date:
    """Return the first day of a date's month, or of the month `steps` after it."""
    year, month = divmod(day.year * YEAR + day.month - 1 + steps, YEAR)
    return date(year, month + 1, 1)


def _months(first: date, count: int) -> Span:
    return Span(first, _month(first, count) - DAY, "months")


def _days(first: date, count: int) -> Span:
    return Span(first, first + (count - 1) * DAY)


def _quarter(day: date, steps: int = 0) -> Span:
    return _months(_month(day, QUARTER * steps - (day.month - 1) % QUARTER), QUARTER)


def _year(year: int) -> Span:
    return _months(date(year, 1, 1), YEAR)


def _monday(day: date) -> date:
    return day - day.weekday() * DAY


WORDS: dict[str, Callable[[date], Span]] = {
    "today": lambda now: _days(now, 1),
    "yesterday": lambda now: _days(now - DAY, 1),
    "this-week": lambda now: _days(_monday(now), 7),
    "last-week": lambda now: _days(_monday(now) - 7 * DAY, 7),
    "this-month": lambda now: _months(_month(now), 1),
    "last-month": lambda now: _months(_month(now, -1), 1),
    "this-quarter": _quarter,
    "last-quarter": lambda now: _quarter(now, -1),
    "this-year": lambda now: _year(now.year),
    "last-year": lambda now: _year(now.year - 1),
    "mtd": lambda now: Span(_month(now), now, "month-to-date"),
    "ytd": lambda now: Span(date(now.year, 1, 1), now, "year-to-date"),
}
"""Periods with a name. The one word more, ``all``, is no span of dates."""

FORMS: tuple[tuple[str, Callable[..., Span]], ...] = (
    (r"(\d{4})", _year),
    (r"(\d{4})-(\d\d)", lambda year, month: _months(date(year, month, 1), 1)),
    (r"(\d{4})-(\d\d)-(\d\d)", lambda year, month, day: _days(date(year, month, day), 1)),
    (r"(\d{4})-q([1-4])", lambda year, quarter: _quarter(date(year, QUARTER * quarter, 1))),
    (r"(\d{4})-w(\d\d)", lambda year, week: _days(date.fromisocalendar(year, week, 1), 7)),
)
"""Periods written out in numbers: a pattern, and what its numbers mean."""


def _single(word: str, now: date) -> Span:
    """Read anything but a range. Raises ValueError for a date that does not exist, PeriodError for an unknown form."""
    if named := WORDS.get(word.lower()):
        return named(now)
    for pattern, build in FORMS:
        if match := re.fullmatch(pattern, word, re.ASCII | re.IGNORECASE):
            return build(*map(int, match.groups()))
    if match := re.fullmatch(r"0*([1-9]\d{0,4})d", word, re.ASCII | re.IGNORECASE):
        count = int(match[1])
        return _days(now - (count - 1) * DAY, count)
    hint = _respelled(word) or did_you_mean(word.lower().replace(" ", "-"), (*WORDS, "all")) or HELP
    raise PeriodError(f"cannot read the period `{word}`", hint)


def _range(word: str, now: date) -> Span:
    """Read ``A..B``: from the first day of A to the last day of B; whole months stay whole months."""
    left, right = (part.strip() for part in word.split("..", 1))
    if not left or not right or right[0] == "." or "all" in (left, right):
        raise PeriodError(f"cannot read the period `{word}`", "a range has two ends: 2026-10-01..2026-10-15")
    first, last = _single(left, now).first, _single(right, now).last
    if last < first:
        raise PeriodError(f"the period `{word}` ends before it begins", f"did you mean `{right}..{left}`?")
    return Span(first, last, "months" if _whole_months(first, last) else "days")


def _respelled(word: str) -> str:
    """Return a hint for dates written with other separators or without zeros, else an empty string."""
    match = re.fullmatch(r"(\d{4})[-/.]?(\d{1,2})(?:[-/.]?(\d{1,2}))?", word, re.ASCII)
    proper = "-".join(f"{int(part):02}" for part in match.groups() if part) if match else word
    return "" if proper == word else f"did you mean `{proper}`?"


def _zone_hint(name: str, known: list[str]) -> str:
    if not known:
        return "this machine has no time zone data: run `pip install tzdata`"
    folded = {other.casefold(): other for other in known if other[0].isupper()}
    near = did_you_mean(name.casefold(), list(folded))
    word = near.split("`")[1] if near else ""
    return f"did you mean `{folded[word]}`?" if near else "names are those of the IANA database, such as Europe/Berlin"


# -- from dates to periods


def _always(zone: str) -> Period:
    return Period(*ALWAYS, "all", str(timezone(zone)), date.min, date.max, "all")


def _period(span: Span, zone: str) -> Period:
    start, end = _midnight(span.first, zone), _midnight(span.last + DAY, zone)
    return Period(start, end, name_of(span.first, span.last), zone, *span)


def _midnight(day: date, zone: str) -> datetime:
    """Return the first instant of a local day, UTC: fold 0 is that even where the clock skips or repeats midnight."""
    return datetime(day.year, day.month, day.day, tzinfo=timezone(zone)).astimezone(UTC)


def _iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def _whole_months(first: date, last: date) -> bool:
    return first.day == 1 and (last + DAY).day == 1


def _count_months(first: date, last: date) -> int:
    return (last.year - first.year) * YEAR + last.month - first.month + 1


def _same_day(day: date, steps: int) -> date:
    """Return a date `steps` months on, or the last day of that month where it is shorter."""
    month = _month(day, steps)
    return month.replace(day=min(day.day, _months(month, 1).last.day))


def _before_months(period: Period) -> Span:
    return Span(_month(period.first, -_count_months(period.first, period.last)), period.first - DAY, "months")


BEFORE: dict[Unit, Callable[[Period], Span]] = {
    "days": lambda period: _days(period.first - period.days * DAY, period.days),
    "months": _before_months,
    "month-to-date": lambda it: Span(_month(it.first, -1), _same_day(it.last, -1), "month-to-date"),
    "year-to-date": lambda it: Span(_month(it.first, -YEAR), _same_day(it.last, -YEAR), "year-to-date"),
}
"""The dates before a period, by its unit."""


def name_of(first: date, last: date) -> str:
    """Return what a person calls the days from `first` to `last`, both inclusive.

    >>> name_of(date(2026, 10, 1), date(2026, 10, 31)), name_of(date(2026, 10, 14), date(2026, 10, 14))
    ('October 2026', '14 October 2026')
    >>> name_of(date(2025, 11, 1), date(2026, 2, 28)), name_of(date(2026, 9, 28), date(2026, 10, 7))
    ('November 2025 to February 2026', '28 September to 7 October 2026')
    """
    if _whole_months(first, last):
        return _months_name(first, last)
    if first.isoweekday() == 1 and last - first == 6 * DAY:
        year, week, _ = first.isocalendar()
        return f"week {week} of {year}"
    return _days_name(first, last)


def _months_name(first: date, last: date) -> str:
    count = _count_months(first, last)
    if first.month == 1 and count % YEAR == 0:
        return f"{first.year}" if count == YEAR else f"{first.year} to {last.year}"
    if first.month % QUARTER == 1 and count == QUARTER:
        return f"Q{last.month // QUARTER} {first.year}"
    begin, finish = MONTHS[first.month - 1], f"{MONTHS[last.month - 1]} {last.year}"
    return finish if count == 1 else _joined(begin, first, finish, last)


def _days_name(first: date, last: date) -> str:
    begin, finish = f"{first.day} {MONTHS[first.month - 1]}", f"{last.day} {MONTHS[last.month - 1]} {last.year}"
    if first == last:
        return finish
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}-{finish}"
    return _joined(begin, first, finish, last)


def _joined(begin: str, first: date, finish: str, last: date) -> str:
    year = "" if first.year == last.year else f" {first.year}"
    return f"{begin}{year} to {finish}"
