"""Stable 64-bit names of billable things: XXH3 of the source's name and the identity's text, signed.

The hash is part of the store's format and must never change. Odds that any two of n things collide are n^2 / 2^65:
one in four thousand at 100 million rows.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import xxhash

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

SIGN = 1 << 63


def hash_text(text: str) -> int:
    """Return the signed 64-bit hash of a text."""
    return hash_bytes(text.encode("utf-8", "surrogatepass"))


def hash_bytes(data: bytes) -> int:
    """Return the signed 64-bit hash of bytes."""
    return ((xxhash.xxh3_64_intdigest(data) + SIGN) % (2 * SIGN)) - SIGN


def hash_all(source: str, identities: Iterable[str]) -> array[int]:
    """Return the hash of each identity of a source."""
    prefix, digest = f"{source}\x1f", xxhash.xxh3_64_intdigest
    unsigned = array("Q", [digest((prefix + text).encode("utf-8", "surrogatepass")) for text in identities])
    return array("q", unsigned.tobytes())


def hash_identities(source: str, identities: pl.Series) -> pl.Series:
    """Return the hashes of a text column as Int64; null stays null."""
    import polars as pl

    keyed = (f"{source}\x1f" + identities).cast(pl.Binary)
    texts = keyed.drop_nulls().to_list()
    hashes = pl.Series(list(map(xxhash.xxh3_64_intdigest, texts)), dtype=pl.UInt64).reinterpret(signed=True)
    if len(texts) < len(keyed):
        nothing = pl.repeat(None, len(keyed), dtype=pl.Int64, eager=True)
        hashes = nothing.scatter(keyed.is_not_null().arg_true(), hashes)
    return hashes.alias(identities.name)
