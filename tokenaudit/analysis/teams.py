"""Charges get a team and who pays: by the person, by the first rule that fits, and by what the team is part of."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tokenaudit.org.map import OrgMap
from tokenaudit.org.match import fits, held
from tokenaudit.org.records import Allocation, Rule

PAYS = ("cost_center", "gl_code")
OWN = {name: f"own_{name}" for name in PAYS}
"""What a person or rule says of who pays, before the team is asked."""
GIVEN = ("user", "project", "team", *PAYS)


def ruled(charges: pl.DataFrame, org: OrgMap) -> pl.DataFrame:
    """Add `team`, `team_path`, `cost_center` and `gl_code` to charges with `user` and `project`, as rules say it."""
    member = with_branch(with_membership(charges, org), org)
    if not org.rules:
        return member.drop(*OWN.values())
    given = _given(org.rules)
    moved = member.with_columns(rule=first_fit(member, org.rules)).join(
        given, on="rule", how="left", maintain_order="left"
    )
    named = moved.with_columns(pl.coalesce(f"new_{name}", name).alias(name) for name in ("user", "project"))
    whose = with_membership(with_group(named, org), org)
    return with_branch(_paying(whose), org).drop(*OWN.values(), "rule", *(f"new_{name}" for name in GIVEN))


def first_fit(frame: pl.DataFrame, rules: Sequence[Rule | Allocation]) -> pl.Series:
    """Return the number of the first rule that each row fits, null where it fits none."""
    masks = [fits(frame, rule.where, rule.days).alias(str(at)) for at, rule in enumerate(rules)]
    turns = [pl.when(mask.name).then(pl.lit(at, pl.Int64)) for at, mask in enumerate(masks)]
    return pl.DataFrame(masks).select(turn=pl.coalesce(turns)).to_series()


def with_membership(frame: pl.DataFrame, org: OrgMap) -> pl.DataFrame:
    """Add `team` and what the person says of who pays."""
    found = held(frame, pl.col("user").cast(pl.String), org.memberships).rename(OWN)
    return frame.with_columns(found)


def with_branch(frame: pl.DataFrame, org: OrgMap) -> pl.DataFrame:
    """Add `team_path`, and who pays: whoever the person names, else the team or one above it."""
    found = held(frame, pl.col("team"), org.teams)
    paying = {name: pl.coalesce(own, found[name]) for name, own in OWN.items()}
    return frame.with_columns(team_path=pl.coalesce(found["path"], "team"), **paying)


def with_group(frame: pl.DataFrame, org: OrgMap) -> pl.DataFrame:
    """Add `project_group`."""
    found = held(frame, pl.col("project").cast(pl.String), org.groups)
    return frame.with_columns(project_group=found["group"])


def _given(rules: Sequence[Rule]) -> pl.DataFrame:
    rows = [(at, *(getattr(rule, name) for name in GIVEN)) for at, rule in enumerate(rules)]
    texts = {f"new_{name}": pl.String() for name in GIVEN}
    return pl.DataFrame(rows, {"rule": pl.Int64(), **texts}, orient="row")


def _paying(frame: pl.DataFrame) -> pl.DataFrame:
    """Put what a rule gives in the place of what the person says; with another team goes who pays for the person."""
    own = [
        pl.when(pl.col("new_team").is_null())
        .then(pl.coalesce(f"new_{name}", column))
        .otherwise(f"new_{name}")
        .alias(column)
        for name, column in OWN.items()
    ]
    return frame.with_columns(*own, team=pl.coalesce("new_team", "team"))
