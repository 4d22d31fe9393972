"""Whose a call is depends on what the files hold and what was said of them, not on what was read or said first."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from random import Random
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

import tokenaudit
from tokenaudit.ingest.owners import Naming
from tokenaudit.ingest.run import ingest

if TYPE_CHECKING:
    from tests.properties.conftest import Lab

    NewLab = Callable[..., AbstractContextManager[Lab]]

PEOPLE = ("alice", "bob", "carol")
LINES = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=6)
"""Responses of a file, each perhaps marked as copied from another session."""


def text(lines: list[tuple[int, bool]], session: str) -> str:
    """Return the log of a session."""
    return "".join(
        json.dumps(
            {
                "type": "assistant",
                "timestamp": f"2026-10-05T10:{response:02}:00.000Z",
                "sessionId": session,
                "cwd": "/src/shop",
                "requestId": "req",
                "uuid": f"u{response}",
                "forkedFrom": {"sessionId": "other"} if fork else None,
                "message": {
                    "id": f"msg_{response}",
                    "model": "claude-opus-5-5",
                    "stop_reason": "end_turn",
                    "content": [],
                    "usage": {"input_tokens": 1, "output_tokens": response},
                },
            }
        )
        + "\n"
        for response, fork in lines
    )


def users(lab: Lab) -> list[tuple[int, str | None]]:
    """Return who has each response."""
    assert lab.rows()
    with tokenaudit.open_store(lab.folder) as store:
        return sorted(store.usage().select("response_id", "user").collect().rows())


def give(lab: Lab, name: str, naming: Naming | None) -> None:
    """Ingest the folder of somebody, as theirs or as nobody's yet."""
    ingest([str(lab.files / name)], lab.folder, naming=naming)


@settings(max_examples=8)
@given(
    files=st.lists(LINES, min_size=3, max_size=3),
    same_session=st.booleans(),
    cuts=st.lists(st.integers(0, 6), min_size=3, max_size=3),
    early=st.lists(st.booleans(), min_size=3, max_size=3),
    shuffle=st.randoms(use_true_random=False),
)
def test_order_changes_nothing(
    new_lab: NewLab,
    files: list[list[tuple[int, bool]]],
    same_session: bool,  # noqa: FBT001 - drawn
    cuts: list[int],
    early: list[bool],
    shuffle: Random,
) -> None:
    """Files at once or one by one, in pieces, in any order, named when they are read or only afterwards."""
    sessions = ["s", "s", "s"] if same_session else ["s2", "s1", "s3"]
    with new_lab() as once, new_lab() as many:
        for lab in (once, many):
            for name in PEOPLE:
                (lab.files / name).mkdir()
        for name, lines, session in zip(PEOPLE, files, sessions, strict=True):
            once.add(f"{name}/s.jsonl", text(lines, session))
        ingest([str(once.files)], once.folder, naming=Naming(template="files/{user}"))
        steps = list(zip(PEOPLE, files, sessions, cuts, early, strict=True))
        shuffle.shuffle(steps)
        for name, lines, session, cut, now in steps:
            many.add(f"{name}/s.jsonl", text(lines[:cut], session))
            give(many, name, Naming(name) if now else None)
        shuffle.shuffle(steps)
        for name, lines, session, cut, _ in steps:
            many.add(f"{name}/s.jsonl", text(lines[cut:], session))
            give(many, name, None)
        for name, *_ in steps:
            give(many, name, Naming(name))

        assert users(many) == users(once)
        assert {user for _, user in users(once)} <= set(PEOPLE)
