"""An invented company for the first minute: two months of gateway requests and Cursor events, the same every time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

AS_OF = date(2026, 10, 31)
"""The demo's today: its newest complete month is October 2026."""
FIRST_DAY = date(2026, 9, 1)
SEED = 2026
SATURDAY = 5


class Person(NamedTuple):
    """Somebody, or something, that uses models."""

    user: str
    project: str
    requests: float
    """On a working day in September."""
    growth: float
    """Factor from the first to the last day."""
    models: dict[str, float]
    weekends: bool = False


CODING = {"claude-opus-5-5": 0.5, "claude-sonnet-5-5": 0.4, "claude-haiku-4-5": 0.1}
PREMIUM = {"claude-opus-5-5": 0.95, "claude-sonnet-5-5": 0.05}
SERVING = {"gpt-6.1-terra": 0.75, "gpt-6-luna": 0.25}

PEOPLE = (
    Person("alice@example.com", "payments-api", 42, 1.9, PREMIUM),
    Person("bao@example.com", "payments-api", 30, 1.1, CODING),
    Person("carol@example.com", "web-shop", 26, 1.3, CODING),
    Person("dmitri@example.com", "web-shop", 18, 1.0, CODING),
    Person("elena@example.com", "data-platform", 34, 1.2, CODING),
    Person("farid@example.com", "data-platform", 12, 0.7, CODING),
    Person("grace@example.com", "mobile-app", 21, 1.4, CODING),
    Person("build-bot", "repo-search", 25, 4.0, PREMIUM, weekends=True),
    Person("support-assistant", "help-desk", 120, 1.25, SERVING, weekends=True),
)
CURSOR_USERS = ("henry@example.com", "ines@example.com", "jonas@example.com")
GATEWAY_COLUMNS = (
    "charge_period_start",
    "response_id",
    "user",
    "project",
    "session",
    "request_model",
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation_5m_input_tokens",
    "output_tokens",
)
CURSOR_COLUMNS = (
    "Date", "User", "Kind", "Model", "Max Mode", "Input (w/ Cache Write)", "Input (w/o Cache Write)", "Cache Read",
    "Output Tokens", "Total Tokens", "Cost",
)  # fmt: skip


def write_demo(folder: Path) -> list[Path]:
    """Write the company's files into a folder: a gateway's CSV, a canonical JSONL and a Cursor export."""
    random = Random(SEED)  # noqa: S311 - a repeatable story, no secret
    rows = sorted(_gateway(random), key=lambda row: str(row["charge_period_start"]))
    assistant = [row for row in rows if row["user"] == "support-assistant"]
    people = [row for row in rows if row["user"] != "support-assistant"]
    paths = [folder / "gateway-2026.csv", folder / "assistant-2026.jsonl", folder / "usage-events-2026-10-31.csv"]
    _write_csv(paths[0], GATEWAY_COLUMNS, people)
    paths[1].write_text("".join(json.dumps(row) + "\n" for row in assistant), encoding="utf-8")
    _write_csv(paths[2], CURSOR_COLUMNS, _cursor(random))
    return paths


def _write_csv(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _days() -> Iterator[tuple[date, float]]:
    """Yield each day and how much of the two months has passed."""
    length = (AS_OF - FIRST_DAY).days
    for number in range(length + 1):
        yield FIRST_DAY + timedelta(days=number), number / length


def _gateway(random: Random) -> Iterator[dict[str, Any]]:
    for person in PEOPLE:
        for day, passed in _days():
            if day.weekday() >= SATURDAY and not person.weekends:
                continue
            level = person.requests * person.growth**passed
            for _ in range(max(0, round(random.gauss(level, level / 4)))):
                yield _request(random, person, day)


def _request(random: Random, person: Person, day: date) -> dict[str, Any]:
    started = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=random.uniform(7, 19) * 3600)
    context = int(random.lognormvariate(10.6, 0.7))
    hit = 0.12 if person.user == "build-bot" else random.uniform(0.75, 0.97)
    cached = int(context * hit)
    written = int((context - cached) * 0.7)
    return {
        "charge_period_start": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "response_id": f"req_{random.getrandbits(72):018x}",
        "user": person.user,
        "project": person.project,
        "session": f"{person.user.split('@')[0]}-{day:%m%d}",
        "request_model": random.choices(list(person.models), list(person.models.values()))[0],
        "uncached_input_tokens": context - cached - written,
        "cache_read_input_tokens": cached,
        "cache_creation_5m_input_tokens": written,
        "output_tokens": int(random.lognormvariate(6.6, 0.9)),
    }


def _cursor(random: Random) -> list[dict[str, Any]]:
    rows = [
        _event(random, user, day)
        for user in CURSOR_USERS
        for day, _ in _days()
        if day.weekday() < SATURDAY
        for _ in range(6)
    ]
    return sorted(rows, key=lambda row: str(row["Date"]), reverse=True)


def _event(random: Random, user: str, day: date) -> dict[str, Any]:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=random.uniform(8, 18) * 3600)
    written, plain, cached, output = (int(random.lognormvariate(mean, 0.8)) for mean in (8.5, 7.5, 11.5, 6.8))
    cost = round((written * 2.5 + plain * 2 + cached * 0.2 + output * 10) / 1_000_000, 2)
    included = day.day <= 20  # noqa: PLR2004 - the plan's allowance lasts until then
    return {
        "Date": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "User": user,
        "Kind": "Included" if included else "On-Demand",
        "Model": "claude-sonnet-5-5",
        "Max Mode": "No",
        "Input (w/ Cache Write)": written,
        "Input (w/o Cache Write)": plain,
        "Cache Read": cached,
        "Output Tokens": output,
        "Total Tokens": written + plain + cached + output,
        "Cost": f"{cost:.2f}",
    }
