"""Who an unknown name may be."""

from __future__ import annotations

import pytest

from tokenaudit.org.guess import Known

PEOPLE = {
    "alice.smith@example.com": ["alice.smith@example.com", "user_123"],
    "bob@example.com": ["bob@example.com"],
    "carol@example.com": ["carol@example.com", "ci-*"],
    "carol@other.com": ["carol@other.com"],
}


@pytest.mark.parametrize(
    ("name", "users", "why"),
    [
        ("bob", ["bob@example.com"], "same name before the @"),
        ("Bob+ci@elsewhere.org", ["bob@example.com"], "same name before the @"),
        ("Smith, Alice", ["alice.smith@example.com"], "same words"),
        ("asmith", ["alice.smith@example.com"], "initial and name"),
        ("alicesmith", ["alice.smith@example.com"], "initial and name"),
        ("bob-macbook-pro", ["bob@example.com"], "holds the name"),
        ("key of alice smith (prod)", ["alice.smith@example.com"], "holds the name"),
        ("alice.smyth", ["alice.smith@example.com"], "alike"),
        ("carol", ["carol@example.com", "carol@other.com"], "same name before the @"),
        ("ci-7", [], ""),
        ("prod", [], ""),
    ],
)
def test_guess(name: str, users: list[str], why: str) -> None:
    """The surest likeness counts; several people are all named; patterns are nobody's name."""
    found = Known(PEOPLE).guess(name)
    assert (list(found.users), found.why) == (users, why)
