"""What is said of files that no source reads: what they hold instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from tokenaudit.ingest.run import ingest
from tokenaudit.reports.ingested import as_lines

SAID = {
    "messages.jsonl": (
        '{"jsonrpc":"2.0","id":1,"method":"initialize"}\n{"jsonrpc":"2.0","result":{}}\n',
        "no source is known by `jsonrpc`, `id`, `method`, `result`",
    ),
    "wide.csv": ("a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n", "no source is known by `a`, `b`, `c`, `d`, `e` and 2 more"),
    "cost.csv": ("usage_date_utc,model,workspace,cost\n", "nearest: anthropic-cost, lacks `cost_usd`"),
    "noise.jsonl": ("\x00\x01 not a log\n", "neither a table nor JSON"),
    "sheet.xlsx": ("PK", "a spreadsheet: save its table as CSV"),
}


@pytest.mark.parametrize("name", SAID)
def test_a_file_that_is_not_recognised(tmp_path: Path, name: str) -> None:
    """Is named with what it lacks, or with what it has."""
    text, said = SAID[name]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert f"  {path} ({said})" in list(as_lines(ingest([str(path)], tmp_path / "store")))
