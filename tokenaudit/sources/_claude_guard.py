"""Which lines belong to one response, where a gateway left out the request id."""

from __future__ import annotations

from typing import Any

REMEMBERED_GROUPS = 16


class Guard:
    """Tells responses apart that carry no request id.

    Their message id is not enough: a relay may answer with one constant id. Lines belong to one response while their
    prompt counts agree (all zero agrees with anything: some gateways write the real counts last) or no user line came
    between. The first counts that are not zero are part of the identity, so that it does not depend on the file.
    """

    def __init__(self, groups: dict[str, list[Any]]) -> None:
        self.turns = 0
        self.groups: dict[tuple[str, ...], list[Any]] = {}
        self.names: dict[int, tuple[str, ...]] = {}
        for text, (vector, fresh) in groups.items():
            self.open(tuple(text.split("\x1f")), tuple(vector), turn=0 if fresh else -1)

    def open(self, group: tuple[str, ...], vector: tuple[int, ...], turn: int) -> int:
        """Begin a response of a group."""
        number = len(self.names)
        self.names[number] = (*group, _vector(vector))
        self.groups.pop(group, None)
        self.groups[group] = [number, vector, turn]
        return number

    def turn(self) -> None:
        """Note a user line."""
        self.turns += 1

    def key(self, group: tuple[str, ...], vector: tuple[int, ...]) -> int:
        """Return the key of the response that a line of this group with these prompt counts belongs to."""
        current = self.groups.get(group)
        if current is None or (any(vector) and any(current[1]) and vector != current[1] and self.turns > current[2]):
            return self.open(group, vector, self.turns)
        if any(vector) and not any(current[1]):
            current[1] = vector
            self.names[current[0]] = (*group, _vector(vector))
        current[2] = self.turns
        number: int = current[0]
        return number

    def name(self, key: int) -> str:
        """Return the identity of a key."""
        return "\x1f".join(self.names[key])

    def state(self) -> dict[str, list[Any]]:
        """Return the last responses, for the lines that a growing file adds later."""
        last = list(self.groups.items())[-REMEMBERED_GROUPS:]
        return {"\x1f".join(group): [vector, turn == self.turns] for group, (_, vector, turn) in last}


def _vector(vector: tuple[int, ...]) -> str:
    return ",".join(map(str, vector))
