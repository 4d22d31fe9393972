"""Cloudflare AI Gateway: pages, lines and tables; answers of the gateway's cache; metadata as text or object."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tokenaudit.sources.cloudflare_gateway import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadText

LOG: dict[str, Any] = {
    "id": "log-1", "created_at": "2026-10-05T08:00:00.000Z", "provider": "openai", "model": "gpt-5.4",
    "success": True, "status_code": 200, "cached": False, "tokens_in": 900, "tokens_out": 120, "cost": 0.00345,
    "custom_cost": False, "metadata": '{"user":"ann@example.com","team":"core","project":"docs"}',
}  # fmt: skip
TABLE = (
    "id,created_at,provider,model,success,cached,tokens_in,tokens_out,cost,metadata\n"
    'log-1,2026-10-05T08:00:00.000Z,openai,gpt-5.4,true,false,900,120,0.00345,"{""user"":""ann@example.com"",'
    '""team"":""core"",""project"":""docs""}"\n'
)
DRESSES = {
    "line": json.dumps(LOG),
    "object metadata": json.dumps(LOG | {"metadata": json.loads(LOG["metadata"])}),
    "page": json.dumps({"success": True, "errors": [], "result": [LOG], "result_info": {"page": 1}}, indent=2),
    "table": TABLE,
}


@pytest.mark.parametrize("dress", DRESSES)
def test_every_dress(read_text: ReadText, tmp_path: Path, dress: str) -> None:
    """A log is the same in a page, on a line and in a table."""
    path = tmp_path / "logs"
    path.write_text(DRESSES[dress])
    row = read_text(SOURCE, DRESSES[dress]).row()

    assert detect_table(Head(str(path)), SOURCE)
    assert row["response_id"] == read_text(SOURCE, DRESSES["line"]).row()["response_id"]
    assert (row["uncached_input_tokens"], row["output_tokens"], row["requests"]) == (900, 120, 1)
    assert (row["reported_cost"], row["billed_cost"]) == (Decimal("0.00345"), None)
    assert (row["user"], row["project"], row["tags"]) == ("ann@example.com", "docs", '{"team":"core"}')


def test_cached_answers_and_failures(read_text: ReadText) -> None:
    """An answer of the gateway's own cache is no call, whatever it counts; a failure is one without tokens."""
    hit = read_text(SOURCE, json.dumps(LOG | {"cached": True})).row()
    assert [hit[name] for name in ("requests", "reported_cost", "uncached_input_tokens", "output_tokens")] == [0] * 4
    assert hit["tags"] == '{"cache":"hit","team":"core"}'
    failed = read_text(SOURCE, json.dumps(LOG | {"success": False, "tokens_in": None, "tokens_out": None})).row()
    assert (failed["requests"], failed["uncached_input_tokens"]) == (1, 0)


@pytest.mark.parametrize(
    ("provider", "model", "seller"),
    [
        ("google-ai-studio", "gemini-3-pro", "google"),
        ("workers-ai", "@cf/meta/llama-4-scout", "cloudflare"),
        ("aws-bedrock", "anthropic.claude-sonnet-4-6", "aws"),
        ("Cerebras", "x", "cerebras"),
        (None, "claude-sonnet-4-6", "anthropic"),
        ("", "unheard-of", None),
    ],
)
def test_who_sold(read_text: ReadText, provider: str | None, model: str, seller: str | None) -> None:
    """The gateway's names for providers become those of other sources; the model speaks where there is none."""
    assert read_text(SOURCE, json.dumps(LOG | {"provider": provider, "model": model})).row()["provider"] == seller


def test_no_id(read_text: ReadText) -> None:
    """A log without an id is refused."""
    assert [item.reason for item in read_text(SOURCE, json.dumps(LOG | {"id": None})).rejects] == ["no id"]
