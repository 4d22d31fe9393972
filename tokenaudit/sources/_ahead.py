"""Read ahead: the next item is made in another thread while the present one is used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")
END = object()


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items of an iterator, one being made while the one before is used. Its errors come through."""
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        coming = pool.submit(next, items, END)
        while (item := coming.result()) is not END:
            coming = pool.submit(next, items, END)
            yield cast("T", item)
