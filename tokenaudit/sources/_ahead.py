"""Work ahead: the next items are made in other threads while the present one is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")
AHEAD = 2
"""Items in the making. More would cost memory: polars itself uses every processor."""


def ahead(work: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """Yield ``work(item)`` for each item, in their order. An error comes where its item would have come."""
    coming: deque[Future[U]] = deque()
    with ThreadPoolExecutor(AHEAD, "read-ahead") as pool:
        for item in items:
            coming.append(pool.submit(work, item))
            if len(coming) > AHEAD:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
