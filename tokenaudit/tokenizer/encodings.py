"""OpenAI's encodings as package data, for tiktoken: no network, no cache folder, no environment variable.

A file holds the number of tokens (4 bytes, little-endian), the length of each (a byte), and their bytes, in order of
rank, as xz. `scripts/build_encodings.py` makes it of the file that tiktoken would download. tiktoken is imported when
a text is counted, never before.
"""

from __future__ import annotations

import lzma
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tiktoken import Encoding

DATA = Path(__file__).with_name("data")


class Tokenizer(NamedTuple):
    """What makes an encoding, beside its tokens."""

    pattern: str
    """How text is cut before it is encoded."""
    sha256: str
    """Of the file that tiktoken downloads."""


CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"
    r"|\s*[\r\n]|\s+(?!\S)|\s"
)
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
ENCODINGS: dict[str, Tokenizer] = {
    "cl100k_base": Tokenizer(CL100K, "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
    "o200k_base": Tokenizer(O200K, "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
}
"""The encodings that are shipped, by name."""


def unpacked(name: str) -> dict[bytes, int]:
    """Return the rank of each token of an encoding."""
    raw = lzma.decompress((DATA / f"{name}.xz").read_bytes())
    number = int.from_bytes(raw[:4], "little")
    start = 4 + number
    ends = accumulate(raw[4:start], initial=start)
    return {raw[begin:end]: rank for rank, (begin, end) in enumerate(pairwise(ends))}


@cache
def encoding(name: str) -> Encoding:
    """Return an encoding, made once in a process."""
    from tiktoken import Encoding

    return Encoding(name, pat_str=ENCODINGS[name].pattern, mergeable_ranks=unpacked(name), special_tokens={})
