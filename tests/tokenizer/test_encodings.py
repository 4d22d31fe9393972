"""The encodings that are shipped are those of OpenAI, and need neither network nor environment."""

from __future__ import annotations

import hashlib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from tokenaudit.tokenizer.encodings import DATA, ENCODINGS, encoding, unpacked


@pytest.fixture
def script(root: Path) -> Any:
    """Return the script that writes the encodings, as a module."""
    spec = spec_from_file_location("build_encodings", root / "scripts" / "build_encodings.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ENCODINGS)
def test_data_is_what_tiktoken_downloads(name: str, script: Any) -> None:
    """Written as tiktoken's file, it has the very SHA-256 that tiktoken expects of it."""
    assert hashlib.sha256(script.text(unpacked(name))).hexdigest() == ENCODINGS[name].sha256


@pytest.mark.parametrize("name", ENCODINGS)
def test_script_makes_what_is_shipped(name: str, script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder with tiktoken's files the script writes the files of the package, byte for byte."""
    original, shipped = script.text(unpacked(name)), (DATA / f"{name}.xz").read_bytes()
    assert script.packed(original) == shipped
    (tmp_path / f"{name}.tiktoken").write_bytes(b"not it")
    monkeypatch.setattr(script, "DATA", tmp_path / "data")
    with pytest.raises(SystemExit, match="no cl100k_base in"):
        script.main(tmp_path)


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
