"""Periods: every form, every error, and what holds for all dates and zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit import periods
from tokenaudit.errors import PeriodError
from tokenaudit.periods import Period, parse_date, parse_period, previous

NOW = date(2026, 10, 14)
DAY = timedelta(days=1)
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "Australia/Lord_Howe",
    "Asia/Beirut", "Africa/Cairo", "America/Havana",  # the clock changes at midnight
)  # fmt: skip

days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
zones = st.sampled_from(ZONES)
words = st.sampled_from([*periods.WORDS, "1d", "30d", "400d"])


@st.composite
def written(draw: st.DrawFn) -> str:
    """Any period but ``all``, as people write it."""
    one, two = sorted((draw(days), draw(days)))
    year, week, _ = one.isocalendar()
    forms = (
        f"{one}", f"{one:%Y-%m}", f"{one.year}", f"{year}-W{week:02}", f"{one.year}-Q{(one.month + 2) // 3}",
        f"{one}..{two}", f"{one:%Y-%m}..{two:%Y-%m}", f"{one}..{two.year}", draw(words),
    )  # fmt: skip
    return draw(st.sampled_from(forms))


def utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """Return an instant."""
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first", "last", "name"),
    [
        ("2026-10", "2026-10-01", "2026-10-31", "October 2026"),
        ("2026-10-14", "2026-10-14", "2026-10-14", "14 October 2026"),
        ("2026", "2026-01-01", "2026-12-31", "2026"),
        ("2026-Q3", "2026-07-01", "2026-09-30", "Q3 2026"),
        ("2026-q4", "2026-10-01", "2026-12-31", "Q4 2026"),
        ("2026-W41", "2026-10-05", "2026-10-11", "week 41 of 2026"),
        ("2026-w01", "2025-12-29", "2026-01-04", "week 1 of 2026"),
        ("2026-W53", "2026-12-28", "2027-01-03", "week 53 of 2026"),
        ("2026-01..2026-10", "2026-01-01", "2026-10-31", "January to October 2026"),
        ("2025-11..2026-02", "2025-11-01", "2026-02-28", "November 2025 to February 2026"),
        ("2025..2026", "2025-01-01", "2026-12-31", "2025 to 2026"),
        ("2026-10-01..2026-10-15", "2026-10-01", "2026-10-15", "1-15 October 2026"),
        ("2026-10-01..2026-10-31", "2026-10-01", "2026-10-31", "October 2026"),
        ("2026-09-28 .. 2026-10-07", "2026-09-28", "2026-10-07", "28 September to 7 October 2026"),
        ("2025-12-30..2026-01-02", "2025-12-30", "2026-01-02", "30 December 2025 to 2 January 2026"),
        ("2026-Q1..2026-05-10", "2026-01-01", "2026-05-10", "1 January to 10 May 2026"),
        ("2026-W41..today", "2026-10-05", "2026-10-14", "5-14 October 2026"),
        ("today", "2026-10-14", "2026-10-14", "14 October 2026"),
        ("Yesterday", "2026-10-13", "2026-10-13", "13 October 2026"),
        ("this-week", "2026-10-12", "2026-10-18", "week 42 of 2026"),
        ("last-week", "2026-10-05", "2026-10-11", "week 41 of 2026"),
        ("this-month", "2026-10-01", "2026-10-31", "October 2026"),
        ("last-month", "2026-09-01", "2026-09-30", "September 2026"),
        ("this-quarter", "2026-10-01", "2026-12-31", "Q4 2026"),
        ("last-quarter", "2026-07-01", "2026-09-30", "Q3 2026"),
        ("this-year", "2026-01-01", "2026-12-31", "2026"),
        ("last-year", "2025-01-01", "2025-12-31", "2025"),
        ("mtd", "2026-10-01", "2026-10-14", "1-14 October 2026"),
        ("ytd", "2026-01-01", "2026-10-14", "1 January to 14 October 2026"),
        ("30d", "2026-09-15", "2026-10-14", "15 September to 14 October 2026"),
        ("1d", "2026-10-14", "2026-10-14", "14 October 2026"),
        (" 2024-02 ", "2024-02-01", "2024-02-29", "February 2024"),
    ],
)
def test_each_form_names_its_days(text: str, first: str, last: str, name: str) -> None:
    """Every form of the grammar, seen from 14 October 2026."""
    period = parse_period(text, NOW)
    assert (str(period.first), str(period.last), period.name) == (first, last, name)
    assert (period.start, period.end) == (
        datetime.combine(period.first, datetime.min.time(), UTC),
        datetime.combine(period.last + DAY, datetime.min.time(), UTC),
    )


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("2026-10", NOW, "September 2026"),
        ("2026-01", NOW, "December 2025"),
        ("2026-Q3", NOW, "Q2 2026"),
        ("2026-W01", NOW, "week 52 of 2025"),
        ("2026", NOW, "2025"),
        ("2026-01..2026-10", NOW, "March to December 2025"),
        ("2026-10-14", NOW, "13 October 2026"),
        ("2026-10-01..2026-10-15", NOW, "16-30 September 2026"),
        ("30d", NOW, "16 August to 14 September 2026"),
        ("30d", date(2026, 6, 30), "2-31 May 2026"),
        ("mtd", NOW, "1-14 September 2026"),
        ("mtd", date(2026, 3, 31), "February 2026"),
        ("ytd", NOW, "1 January to 14 October 2025"),
        ("ytd", date(2024, 2, 29), "January to February 2023"),
    ],
)
def test_previous_is_the_same_unit_before(text: str, now: date, expected: str) -> None:
    """A month is compared with a month, a week with a week, N days with N days, month to date with the same days."""
    before = previous(parse_period(text, now))
    assert before is not None
    assert before.name == expected


def test_all_is_open_and_has_nothing_before_it() -> None:
    """``all`` lies around every instant and date, is echoed as null and is compared with nothing."""
    period = parse_period("all", NOW, "Europe/Berlin")
    assert period.open
    assert period.start < utc(1970, 1, 1) < utc(2999, 1, 1) < period.end
    assert period.first < NOW < period.last
    assert period.echo() == {"start": None, "end": None, "timezone": "Europe/Berlin"}
    assert period.name == "all"
    assert previous(period) is None


def test_days_follow_the_clock_changes_of_the_zone() -> None:
    """25 October 2026 has 25 hours in Berlin, 29 March 23, and a month starts at local midnight."""
    autumn, spring = (parse_period(text, NOW, "Europe/Berlin") for text in ("2026-10-25", "2026-03-29"))
    assert autumn.end - autumn.start == timedelta(hours=25)
    assert spring.end - spring.start == timedelta(hours=23)
    assert parse_period("2026-10", NOW, "America/New_York").start == utc(2026, 10, 1, 4)


def test_echo_is_exclusive_and_utc() -> None:
    """JSON reports the exclusive end, in UTC."""
    assert parse_period("2026-10-01..2026-10-15", NOW).echo() == {
        "start": "2026-10-01T00:00:00Z",
        "end": "2026-10-16T00:00:00Z",
        "timezone": "UTC",
    }


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("foo", "cannot read the period `foo`", periods.HELP),
        ("", "cannot read the period ``", periods.HELP),
        ("2026-Q5", "cannot read the period `2026-Q5`", periods.HELP),
        ("0d", "cannot read the period `0d`", periods.HELP),
        ("lastmonth", "cannot read the period `lastmonth`", "did you mean `last-month`?"),
        ("Last Month", "cannot read the period `Last Month`", "did you mean `last-month`?"),
        ("yesterdy", "cannot read the period `yesterdy`", "did you mean `yesterday`?"),
        ("2026-1", "cannot read the period `2026-1`", "did you mean `2026-01`?"),
        ("2026/10/4", "cannot read the period `2026/10/4`", "did you mean `2026-10-04`?"),
        ("20261014", "cannot read the period `20261014`", "did you mean `2026-10-14`?"),
        ("2026-10..", "cannot read the period `2026-10..`", "a range has two ends: 2026-10-01..2026-10-15"),
        ("2026-10...2026-11", "cannot read the period", "a range has two ends: 2026-10-01..2026-10-15"),
        ("2026-09..all", "cannot read the period", "a range has two ends: 2026-10-01..2026-10-15"),
        ("2026-10..2026-01", "ends before it begins", "did you mean `2026-01..2026-10`?"),
        ("1969", "the period `1969` lies outside of 1970 to 2999", periods.HELP),
        ("99999d", "the period `99999d` lies outside of 1970 to 2999", periods.HELP),
        ("2026-13", "`2026-13` is not in the calendar: month must be in 1..12", periods.HELP),
        ("2026-02-30", "`2026-02-30` is not in the calendar: day", periods.HELP),
        ("2025-W53", "`2025-W53` is not in the calendar: Invalid week: 53", periods.HELP),
        ("0000", "`0000` is not in the calendar: year", periods.HELP),
    ],
)
def test_what_cannot_be_read_says_what_can(text: str, message: str, hint: str) -> None:
    """Each mistake has its sentence and a hint with what was probably meant, or with all forms."""
    with pytest.raises(PeriodError) as caught:
        parse_period(text, NOW)
    assert message in caught.value.message
    assert caught.value.hint == hint


def test_now_at_the_edge_of_the_calendar_is_an_error() -> None:
    """A "now" that has no day before it gives an error, no crash."""
    with pytest.raises(PeriodError, match="not in the calendar"):
        parse_period("yesterday", date.min)


def test_dates() -> None:
    """``--as-of`` takes ISO dates and nothing else."""
    assert parse_date(" 2026-10-14 ") == NOW
    for text, hint in (("2026-10", "as 2026-10-14"), ("2026-1-2", "`2026-01-02`"), ("2026-02-30", "as 2026-10-14")):
        with pytest.raises(PeriodError) as caught:
            parse_date(text)
        assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Berln", "did you mean `Europe/Berlin`?"),
        ("europe/berlin", "did you mean `Europe/Berlin`?"),
        ("utc", "did you mean `UTC`?"),
        ("localtime", "names are those of the IANA database, such as Europe/Berlin"),
        ("../etc/passwd", "names are those of the IANA database, such as Europe/Berlin"),
        ("Europe", ""),
        ("", "names are those of the IANA database, such as Europe/Berlin"),
    ],
)
def test_unknown_time_zones_are_refused(name: str, hint: str) -> None:
    """Only names of the IANA database pass, in their own spelling."""
    with pytest.raises(PeriodError, match="unknown time zone") as caught:
        parse_period("2026-10", NOW, name)
    assert hint in str(caught.value.hint)


def test_a_machine_without_time_zone_data_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """UTC needs no data; any other zone says how to get it."""
    monkeypatch.setattr("zoneinfo.available_timezones", set)
    assert periods.timezone("UTC") is UTC
    with pytest.raises(PeriodError) as caught:
        periods.timezone("Mars/Base")
    assert caught.value.hint == "this machine has no time zone data: run `pip install tzdata`"


def test_today_is_the_date_of_the_zone() -> None:
    """The clock is read in the zone that is asked for."""
    near = {datetime.now(ZoneInfo("Pacific/Kiritimati")).date() for _ in range(2)}
    assert periods.today("Pacific/Kiritimati") in near


@given(text=written(), now=days, zone=zones)
def test_a_period_is_whole_local_days(text: str, now: date, zone: str) -> None:
    """Start lies before end, both at local midnight or the first instant after it; dates and instants agree."""
    period = parse_period(text, now, zone)
    place = ZoneInfo(zone)
    assert period.first <= period.last
    assert period.start < period.end
    assert period.start.astimezone(place).date() == period.first
    assert (period.start - timedelta(microseconds=1)).astimezone(place).date() == period.first - DAY
    assert (period.end - timedelta(microseconds=1)).astimezone(place).date() == period.last
    assert abs((period.end - period.start) - period.days * DAY) <= timedelta(hours=2)


@given(text=written(), now=days, zone=zones)
def test_previous_abuts(text: str, now: date, zone: str) -> None:
    """The period before ends where this one starts; to-date periods start one month or year earlier instead."""
    period = parse_period(text, now, zone)
    before = previous(period)
    assert before is not None
    if period.unit in ("month-to-date", "year-to-date"):
        assert before.last < period.first or before.days == period.days
        assert before.first.day == 1
    else:
        assert (before.end, before.last + DAY) == (period.start, period.first)
    assert before.unit == period.unit
    assert before.timezone == zone


@given(day=days, zone=zones)
def test_parts_make_up_the_whole(day: date, zone: str) -> None:
    """The days of a month, and the months and quarters of a year, follow each other without gap or overlap."""
    month = parse_period(f"{day:%Y-%m}", NOW, zone)
    year = parse_period(f"{day.year}", NOW, zone)
    assert_fills(month, [f"{month.first + n * DAY}" for n in range(month.days)])
    assert_fills(year, [f"{day.year}-{number:02}" for number in range(1, 13)])
    assert_fills(year, [f"{day.year}-Q{number}" for number in range(1, 5)])


def assert_fills(whole: Period, texts: list[str]) -> None:
    """Fail where periods leave a gap, overlap, or are not all of `whole`."""
    parts = [parse_period(text, NOW, whole.timezone) for text in texts]
    ends = [part.end for part in parts]
    assert [part.start for part in parts] == [whole.start, *ends[:-1]]
    assert ends[-1] == whole.end


@given(text=written(), now=days)
def test_a_range_of_its_own_dates_is_the_same_period(text: str, now: date) -> None:
    """Written out as its first and last day, a period has the same bounds and the same name."""
    period = parse_period(text, now)
    spelled = parse_period(f"{period.first}..{period.last}", now)
    assert (spelled.start, spelled.end, spelled.name) == (period.start, period.end, period.name)
