"""The encodings that are shipped are those of OpenAI, and need neither network nor environment."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from tokenaudit.tokenizer.encodings import DATA, ENCODINGS, encoding, unpacked


def scripts(root: Path) -> None:
    """Let the scripts be imported."""
    if str(root / "scripts") not in sys.path:
        sys.path.insert(0, str(root / "scripts"))


@pytest.mark.parametrize("name", ENCODINGS)
def test_data_is_what_tiktoken_downloads(name: str, root: Path) -> None:
    """Written as tiktoken's file, it has the very SHA-256 that tiktoken expects of it."""
    scripts(root)
    import build_encodings

    assert hashlib.sha256(build_encodings.text(unpacked(name))).hexdigest() == ENCODINGS[name].sha256


@pytest.mark.parametrize("name", ENCODINGS)
def test_script_makes_what_is_shipped(name: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder with tiktoken's files the script writes the files of the package, byte for byte."""
    scripts(root)
    import build_encodings

    original, shipped = build_encodings.text(unpacked(name)), (DATA / f"{name}.xz").read_bytes()
    assert build_encodings.packed(original) == shipped
    (tmp_path / f"{name}.tiktoken").write_bytes(b"not it")
    monkeypatch.setattr(build_encodings, "DATA", tmp_path / "data")
    with pytest.raises(SystemExit, match="no cl100k_base in"):
        build_encodings.main(tmp_path)


KNOWN = {
    "cl100k_base": [15339, 1917],
    "o200k_base": [24912, 2375],
}
"""``hello world``, as OpenAI's own tools print it."""


@pytest.mark.parametrize("name", ENCODINGS)
def test_tokens(name: str) -> None:
    """Ids are those that everybody knows, and text comes back whole."""
    assert encoding(name).encode_ordinary("hello world") == KNOWN[name]
    text = "Grüße, 世界! 👩‍👩‍👧 \t\n\n  x = [1234567];<|endoftext|>"
    assert encoding(name).decode(encoding(name).encode_ordinary(text)) == text
