"""Build the encodings that tokenaudit ships: ``python scripts/build_encodings.py PLACE``.

PLACE is a folder, wheel or zip archive that holds the files which tiktoken downloads, under the names it caches them by
(the SHA-1 of their address) or ends them in (``cl100k_base.tiktoken``); the wheel of litellm is one. Each must be the
file that tiktoken expects, by its SHA-256. `tokenaudit/tokenizer/encodings.py` says what is written, and reads it.
"""

from __future__ import annotations

import base64
import hashlib
import lzma
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tokenaudit.tokenizer.encodings import DATA, ENCODINGS, unpacked

FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"


def main(place: Path) -> None:
    """Write every encoding."""
    found = dict(files(place))
    DATA.mkdir(parents=True, exist_ok=True)
    for name, encoding in ENCODINGS.items():
        data = found.get(hashlib.sha1(ADDRESS.format(name).encode()).hexdigest()) or found.get(f"{name}.tiktoken")  # noqa: S324
        if data is None or hashlib.sha256(data).hexdigest() != encoding.sha256:
            sys.exit(f"error: no {name} in {place} that is what tiktoken expects")
        (DATA / f"{name}.xz").write_bytes(packed(data))
        assert text(unpacked(name)) == data  # noqa: S101 - what is read back is what was given


def files(place: Path) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of files in a folder or archive that may be encodings."""
    if place.is_dir():
        yield from ((path.name, path.read_bytes()) for path in place.iterdir() if path.is_file())
        return
    with zipfile.ZipFile(place) as archive:
        for member in archive.infolist():
            if "tokenizer" in member.filename and not member.is_dir():
                yield member.filename.rpartition("/")[2], archive.read(member)


def packed(data: bytes) -> bytes:
    """Return the tokens of a tiktoken file in order of rank: the length of each in a byte, then all of them, as xz."""
    pairs = [line.split() for line in data.splitlines()]
    ranked = [(int(rank), base64.b64decode(token)) for token, rank in pairs]
    assert [rank for rank, _ in ranked] == list(range(len(ranked)))  # noqa: S101 - ranks go from 0 without a gap
    tokens = [token for _, token in ranked]
    raw = len(tokens).to_bytes(4, "little") + bytes(map(len, tokens)) + b"".join(tokens)
    return lzma.compress(raw, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=FILTERS)


def text(ranks: dict[bytes, int]) -> bytes:
    """Return ranks as tiktoken's file has them."""
    return b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in ranks.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
