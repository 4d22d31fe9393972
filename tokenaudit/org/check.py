"""What is wrong with an org map: what cannot be meant is an error, what is likely forgotten a warning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations, pairwise
from typing import NamedTuple, TypeVar

from tokenaudit.errors import did_you_mean
from tokenaudit.org.check_rules import problems_of_allocations, problems_of_rules
from tokenaudit.org.claims import Claim, Claims, claims, folded
from tokenaudit.org.problems import Problem, error, warning
from tokenaudit.org.records import RESERVED, Entries, Entry, Person, Place, Team
from tokenaudit.org.tree import SEPARATOR, cycle, next_day

Kind = TypeVar("Kind", bound=Entry)


class Span(NamedTuple):
    """What a list of entries of one thing must not do twice on a day."""

    what: str
    entries: Sequence[Entry]


def problems(entries: Entries, claimed: Claims | None = None) -> list[Problem]:
    """Return everything that is wrong, in the order of files and lines; `claimed` are the claims, if known."""
    told = claimed or claims(entries)
    teams = [item.name for item in entries.teams]
    found = chain(
        _reversed(entries.all()),
        _names(entries),
        _parents(entries.teams),
        _cycles(entries.teams),
        _twice(entries),
        _teams_of_people(entries),
        _claimed(chain(told.people, told.projects)),
        _gaps(entries.people),
        problems_of_rules(entries.rules, teams),
        problems_of_allocations(entries.allocations, teams),
    )
    return sorted(dict.fromkeys(found), key=lambda item: (item.place, item.level, item.text))


def _reversed(entries: Iterable[Entry]) -> Iterator[Problem]:
    for item in entries:
        first, last = item.days
        if last < first:
            yield error(item.place, f"ends on {last}, before it begins on {first}", "swap `from` and `until`")


def _names(entries: Entries) -> Iterator[Problem]:
    named = chain(
        ((item.place, "person", item.user) for item in entries.people),
        ((item.place, "project", item.name) for item in entries.projects),
        ((item.place, "team", item.name) for item in entries.teams),
    )
    aliases = chain(
        ((item.place, item.aliases) for item in entries.people),
        ((item.place, item.aliases) for item in entries.projects),
    )
    for place, names in aliases:
        if not all(map(str.strip, names)):
            yield error(place, "an empty alias", "leave it out")
    for place, what, name in named:
        if name.strip() in RESERVED:
            yield error(place, f"no {what} can be called `{name}`", "it stands for what has no name")
        elif what == "team" and SEPARATOR in name:
            yield error(place, f"`{SEPARATOR}` in the name of team `{name}`", "write `name` and `parent` instead")


def _parents(teams: Sequence[Team]) -> Iterator[Problem]:
    known = [item.name for item in teams]
    for item in teams:
        if item.parent is not None and item.parent not in known:
            yield _no_team(item.place, item.parent, known, f"team `{item.name}` is part of")


def _no_team(place: Place, name: str, known: Sequence[str], why: str) -> Problem:
    hint = did_you_mean(name, tuple(known)) or f'add it: [[org.team]] name = "{name}"'
    return error(place, f"{why} an unknown team `{name}`", hint)


def _cycles(teams: Sequence[Team]) -> Iterator[Problem]:
    found = cycle(teams)
    if found:
        place = next(item.place for item in teams if item.name in found.names)
        listed = ", ".join(f"`{name}`" for name in found.names)
        yield error(place, f"teams are part of each other: {listed}", "one of them needs another `parent`, or none")


def _twice(entries: Entries) -> Iterator[Problem]:
    """Look for days on which one thing has two entries that may differ."""
    groups = chain(
        _grouped("person", ((folded(item.user), item) for item in entries.people if item.is_membership)),
        _grouped("team", ((folded(item.name), item) for item in entries.teams)),
        _grouped("project", ((folded(item.name), item) for item in entries.projects if item.group)),
    )
    for what, same in groups:
        for one, two in combinations(same, 2):
            if overlap(one, two):
                yield error(
                    two.place, f"{what} on the same days as {one.place}", "end one with `until` before the next"
                )


def overlap(one: Entry, two: Entry) -> bool:
    """Tell whether two entries hold on the same day."""
    return max(one.days[0], two.days[0]) <= min(one.days[1], two.days[1])


def _grouped(what: str, named: Iterable[tuple[str, Kind]]) -> Iterator[Span]:
    found: dict[str, list[Kind]] = defaultdict(list)
    for name, item in named:
        found[name].append(item)
    for name, same in found.items():
        yield Span(f"{what} `{name}`", sorted(same, key=lambda item: (item.days, item.place)))


def _teams_of_people(entries: Entries) -> Iterator[Problem]:
    """Look for people in teams that do not exist, or not on all of their days. Without any team names are free."""
    known: dict[str, list[Team]] = defaultdict(list)
    for team in entries.teams:
        known[team.name].append(team)
    for item in entries.people:
        if item.team is None or not known:
            continue
        if item.team not in known:
            yield _no_team(item.place, item.team, tuple(known), f"`{item.user}` is in")
        elif not _covers(known[item.team], item):
            text = f"`{item.user}` is in team `{item.team}` on days when there is no such team"
            yield warning(item.place, text, "give one of the two other dates")


def _covers(teams: Sequence[Team], item: Entry) -> bool:
    """Tell whether the days of an entry lie within those of a team."""
    day, last = item.days
    for team in sorted(teams, key=lambda team: team.days):
        if team.days[0] <= day <= team.days[1]:
            if last <= team.days[1]:
                return True
            day = next_day(team.days[1])
    return False


def _claimed(told: Iterable[Claim]) -> Iterator[Problem]:
    """Look for names that two claim on one day."""
    found: dict[tuple[str, str], list[Claim]] = {}
    for claim in told:
        found.setdefault(claim[:2], []).append(claim)
    for (_, value), same in found.items():
        for one, two in combinations(same, 2):
            if folded(one.owner) != folded(two.owner) and max(one.first, two.first) <= min(one.last, two.last):
                text = f"`{value}` is claimed by `{two.owner}` and by `{one.owner}` ({one.place}) on the same days"
                yield error(two.place, text, "leave it out of one, or give both entries dates")


def _gaps(people: Sequence[Person]) -> Iterator[Problem]:
    """Look for people who are in no team between two times, or never, while others are."""
    in_teams = ((folded(item.user), item) for item in people if item.team)
    teamed: dict[str, Sequence[Entry]] = dict(_grouped("person", in_teams))
    for what, same in teamed.items():
        for one, two in pairwise(same):
            after = next_day(one.days[1])
            if after < two.days[0]:
                text = f"{what} is in no team from {after} to the day before {two.days[0]}"
                yield warning(two.place, text, "move `from` or `until` if that is a mistake")
    if teamed:
        yield from _teamless(people, set(teamed))


def _teamless(people: Sequence[Person], teamed: set[str]) -> Iterator[Problem]:
    for what, same in _grouped("person", ((folded(item.user), item) for item in people)):
        if what not in teamed and not any(isinstance(item, Person) and item.cost_center for item in same):
            yield warning(same[0].place, f"{what} is in no team", "give a `team`, or a `cost_center`")
