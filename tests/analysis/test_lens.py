"""Usage through the org map: who is who, in which team on which day, and who pays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tokenaudit.analysis.cube import cube
from tokenaudit.analysis.lens import Lens
from tokenaudit.analysis.org_keys import MANY
from tokenaudit.analysis.sight import Sight
from tokenaudit.conditions import parse_condition
from tokenaudit.config import Config
from tokenaudit.org.map import OrgMap, checked, tables
from tokenaudit.org.read import entries
from tokenaudit.org.records import Entries

Frames = Callable[..., pl.LazyFrame]
Row = dict[str, Any]


def org(allocations: Iterable[Row] = (), **given: Any) -> OrgMap:
    """Return an org map of what a configuration says."""
    return checked(entries(Config(org=given, allocations=tuple(allocations))))


def paid(amount: str, day: int = 14, hour: int = 12, **more: Any) -> Row:
    """Return a row that costs an amount, on a day of October."""
    start = datetime(2026, 10, day, hour, tzinfo=UTC)
    return {"charge_period_start": start, "billed_cost": Decimal(amount), "cost_basis": "billed", **more}


def spent(
    rows: pl.LazyFrame, by: list[str], book: Any, found: OrgMap | None, *where: str, **more: Any
) -> dict[Any, Any]:
    """Return the spend by some dimensions."""
    conditions = [parse_condition(text) for text in where]
    result = cube(rows, by, book, conditions=conditions, sight=Sight(found), **more)
    sums = result.group_by(by).agg(pl.col("effective_cost").sum()) if by else result.select("effective_cost").sum()
    texts = sums.with_columns(pl.col(pl.Categorical).cast(pl.String))
    return {tuple(key) if len(key) != 1 else key[0]: value for *key, value in texts.iter_rows()}


TRANSFER: Row = {
    "team": [
        {"name": "eng", "cost_center": "CC-1", "gl_code": "6400"},
        {"name": "web", "parent": "eng"},
        {"name": "pay", "parent": "eng", "cost_center": "CC-2"},
    ],
    "person": [
        {"user": "Alice", "aliases": ["alice@x.com", "k-7"], "team": "web", "until": date(2026, 10, 14)},
        {"user": "Alice", "team": "pay", "from": date(2026, 10, 15)},
        {"user": "bob", "team": "web", "cost_center": "CC-9"},
    ],
}


def test_a_transfer_mid_month_splits_rightly(usage: Frames, book: Any) -> None:
    """What was spent until the evening before is the old team's, whatever name the file knows the person by."""
    rows = usage(
        paid("1", 1, user="alice@x.com"), paid("2", 14, 23, user="ALICE"), paid("4", 15, 0, user="Alice@X.com"),
        paid("8", 31, api_key="k-7"), paid("16", 3, user="bob"), paid("32", 3, user="eve"),
        paid("64", 3, api_key="k-8"),
    )  # fmt: skip
    found = org(**TRANSFER)
    assert spent(rows, ["user"], book, found) == {"Alice": 15, "bob": 16, "eve": 32, None: 64}
    assert spent(rows, ["team"], book, found) == {"web": 19, "pay": 12, None: 96}
    assert spent(rows, ["team_path"], book, found) == {"eng/web": 19, "eng/pay": 12, None: 96}
    pays = {("CC-1", "6400"): 3, ("CC-2", "6400"): 12, ("CC-9", "6400"): 16, (None, None): 96}
    assert spent(rows, ["cost_center", "gl_code"], book, found) == pays
    span = (date(2026, 10, 1), date(2026, 10, 31))
    within = cube(rows, ["team"], book, sight=Sight(found, span))
    assert dict(within.select("team", "effective_cost").rows()) == {"web": 19, "pay": 12, None: 96}


def test_the_day_of_a_transfer_is_that_of_the_time_zone(usage: Frames, book: Any) -> None:
    """23:00 UTC on the 14th is the 15th in Berlin; a bucket of a day keeps its UTC date."""
    day = {"charge_period_end": datetime(2026, 10, 15, tzinfo=UTC), "granularity": "day"}
    rows = usage(paid("1", 14, 23, user="alice@x.com"), paid("2", 14, 0, user="alice@x.com", **day))
    assert spent(rows, ["team"], book, org(**TRANSFER), timezone="Europe/Berlin") == {"pay": 1, "web": 2}
    assert spent(rows, ["team"], book, org(**TRANSFER)) == {"web": 3}


def test_conditions_look_at_people_and_teams(usage: Frames, book: Any) -> None:
    """A team stands for all below it; others are chosen by the names that the map gives."""
    rows = usage(paid("1", 1, user="alice@x.com"), paid("4", 20, api_key="k-7"), paid("16", user="bob"), paid("32"))
    found = org(**TRANSFER)
    for condition, total in {
        "team=eng": 21, "team=web": 17, "team=web,pay": 21, "team=(unallocated)": 32, "team!=web": 36, "team=en": 0,
        "user=Alice": 5, "user=alice@x.com": 0, "cost_center=CC-2": 4, "team=eng,(unallocated)": 53,
    }.items():  # fmt: skip
        assert sum(spent(rows, ["model"], book, found, condition).values()) == total, condition
    assert spent(rows, ["user"], book, found, "api_key=k-7") == {"Alice": 4}


def test_who_a_row_names_goes_before_its_key(usage: Frames, book: Any) -> None:
    """A key speaks for rows without a user only; a tag too; a named column looks nowhere else."""
    found = org(
        person=[
            {"user": "alice", "aliases": ["key-a", "tags.host=mbp-*", "api_key=ci"]},
            {"user": "bob", "aliases": ["b?b", "user=ci"]},
        ]
    )
    rows = usage(
        paid("1", user="eve", api_key="key-a"), paid("2", tags='{"host":"MBP-7"}'), paid("4", api_key="ci"),
        paid("8", user="ci"), paid("16", user="bab"), paid("32", user="babb"), paid("64", tags='{"host":"other"}'),
        paid("128", user="bob", tags='{"host":"mbp-1"}'),
    )  # fmt: skip
    expected = {"eve": 1, "alice": 6, "bob": 8 + 16 + 128, "babb": 32, None: 64}
    assert spent(rows, ["user"], book, found) == expected


def test_a_rule_about_keys_hides_no_key_of_a_person(usage: Frames, book: Any) -> None:
    """Keys and projects that no rule is about still tell who somebody is, and stay what they are."""
    found = org(
        person=[{"user": "alice", "aliases": ["key-a"], "team": "web"}],
        project=[{"name": "infra", "aliases": ["cache"]}],
        rule=[{"where": {"api_key": "shared-*"}, "team": "pay"}, {"where": {"project": "inf*"}, "team": "ops"}],
    )
    rows = usage(
        paid("1", api_key="key-a"), paid("2", api_key="shared-1"), paid("4", api_key="key-b"),
        paid("8", project="cache"), paid("16", project="cli", api_key="KEY-A"), paid("32", project="infra-x"),
    )  # fmt: skip
    assert spent(rows, ["team"], book, found) == {"web": 17, "pay": 2, "ops": 40, None: 4}
    assert spent(rows, ["user"], book, found) == {"alice": 17, None: 46}
    assert spent(rows, ["team", "project"], book, found)["ops", "infra"] == 8
    assert spent(rows, ["team", "api_key"], book, found)[None, "key-b"] == 4


def test_a_laptop_that_changed_hands(usage: Frames, book: Any) -> None:
    """A name that two people claim is whose entry holds on the day; that of one person is always theirs."""
    found = org(
        person=[
            {"user": "alice", "aliases": ["mbp", "al"], "until": date(2026, 10, 9)},
            {"user": "bob", "aliases": ["mbp"], "from": date(2026, 10, 12)},
        ]
    )
    rows = usage(*(paid("1", day, user=name) for day in (9, 10, 12) for name in ("mbp", "al")))
    assert spent(rows, ["user"], book, found) == {"alice": 4, "bob": 1, "mbp": 1}


def test_projects_have_aliases_and_groups(usage: Frames, book: Any) -> None:
    """Exact names go before patterns, earlier patterns before later ones; groups are dated."""
    found = org(
        project=[
            {"name": "shop", "aliases": ["web-*"], "group": "sales", "until": date(2026, 10, 14)},
            {"name": "shop", "group": "retail", "from": date(2026, 10, 15)},
            {"name": "admin", "aliases": ["web-admin", "web*"]},
        ]
    )
    rows = usage(
        paid("1", project="web-front"), paid("2", project="web-admin"), paid("4", project="website"),
        paid("8", 20, project="Shop"), paid("16", project="cli"), paid("32"),
    )  # fmt: skip
    assert spent(rows, ["project"], book, found) == {"shop": 9, "admin": 6, "cli": 16, None: 32}
    assert spent(rows, ["project_group"], book, found) == {"sales": 1, "retail": 8, None: 54}


def test_the_first_rule_that_fits_counts(usage: Frames, book: Any) -> None:
    """Rules look at mapped names, teams, tags and what pricing knows; what they leave open stays the person's."""
    found = org(
        **TRANSFER,
        rule=[
            {"where": {"tags.env": "batch", "team": "eng"}, "cost_center": "CC-B"},
            {"where": {"project": ["infra-*", "ops"]}, "team": "pay", "until": date(2026, 10, 14)},
            {"where": {"project": "infra-*"}, "user": "bob", "gl_code": "7000"},
            {"where": {"model": "claude-haiku-*", "user": ""}, "project": "shared", "team": "web"},
        ],
    )
    batch: Row = {"tags": '{"env":"batch"}', "project": "ops"}
    rows = usage(
        paid("1", user="bob", **batch), paid("2", user="eve", **batch), paid("4", project="infra-1", user="bob"),
        paid("8", 20, project="infra-1", user="eve"), paid("16"), paid("32", user="Alice"),
    )  # fmt: skip
    by = ["user", "project", "team", "cost_center", "gl_code"]
    assert spent(rows, by, book, found) == {
        ("bob", "ops", "web", "CC-B", "6400"): 1,
        ("eve", "ops", "pay", "CC-2", "6400"): 2,
        ("bob", "infra-1", "pay", "CC-2", "6400"): 4,
        ("bob", "infra-1", "web", "CC-9", "7000"): 8,
        (None, "shared", "web", "CC-1", "6400"): 16,
        ("Alice", None, "web", "CC-1", "6400"): 32,
    }


def test_without_a_map_nothing_is_allocated(usage: Frames, book: Any) -> None:
    """The dimensions exist, and hold nothing; everything else stays as it was."""
    rows = usage(paid("1", user="alice", project="web"), paid("2"))
    assert spent(rows, ["team"], book, None) == {None: 3}
    assert spent(rows, ["user", "cost_center"], book, None) == {("alice", None): 1, (None, None): 2}
    assert spent(rows, ["user"], book, None) == spent(rows, ["user"], book, tables(Entries()))
    assert spent(rows, ["team"], book, None, "team=web") == {}


@pytest.mark.parametrize("changes", [0, 3, MANY + 1])
def test_however_many_days_differ(usage: Frames, book: Any, changes: int) -> None:
    """Few changes are told apart by when, many day by day."""
    days = range(1, changes + 2)
    moves = [{"user": "a", "team": f"t{n}", "from": date(2026, 10, n), "until": date(2026, 10, n)} for n in days]
    found = org(person=moves)
    rows = usage(*(paid("1", n, user="a") for n in range(1, 32)))
    expected: dict[str | None, int] = {None: 31 - len(days)}
    expected |= {f"t{n}": 1 for n in days}
    assert spent(rows, ["team"], book, found) == {key: value for key, value in expected.items() if value}


def test_rows_are_grouped_by_no_more_than_needed(usage: Frames) -> None:
    """Without a question about people nothing is mapped; tags are looked at where a name or rule needs them."""
    named: tuple[Row, ...] = ({"user": "eve", "api_key": "k-7"}, {"user": "ALICE", "api_key": "x"}, {"api_key": "k-7"})
    rows = usage(*(paid("1", 20, **names) for names in named))

    def grouped(found: OrgMap, *wanted: str) -> pl.DataFrame:
        return rows.select(Lens(found, frozenset(wanted)).grouping(rows)).collect()

    assert not Lens(org(**TRANSFER), frozenset({"model"})).maps
    assert grouped(org(**TRANSFER), "project").columns == ["org_project", "org_day"]
    ruled = org(**TRANSFER, rule=[{"where": {"tags.env": "x", "project": "y"}, "team": "web"}])
    assert grouped(ruled, "team").columns == ["org_user", "org_project", "org_tags", "org_api_key", "org_day"]
    assert grouped(org(**TRANSFER), "team").rows() == [
        ("eve", None, date.min),
        ("ALICE", None, date(2026, 10, 15)),
        (None, "k-7", date(2026, 10, 15)),
    ]
