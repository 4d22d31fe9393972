"""What a company really holds of one and the same calls: the files of its provider, its gateway and its people."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tokenaudit.cli.main import run

Files = dict[str, str]
DAY = "2026-10-01"
OPUS, KEY = "claude-opus-5-5", "claude_code_key_carol_a1B2"
WORKSPACE, PROJECT = "wrkspc_01JwQvzr7rXL", "proj_4BhNtYH0z7dW"


def table(**columns: str) -> str:
    """Return a CSV file of one row."""
    return ",".join(columns) + "\n" + ",".join(columns.values()) + "\n"


# -- a day of Claude Code: 100,000 tokens in and 50,000 out, $4 on the bill -------------------------------------------
CONSOLE_COST = table(
    usage_date_utc=DAY, model="Claude Opus 5.5", workspace="Claude Code", api_key=KEY, usage_type="message",
    context_window="≤ 200k", cost_usd="4.00", list_price_usd="4.00", cost_type="token", inference_geo="global",
    speed="", token_type="output",  # noqa: S106 - a kind of token
)  # fmt: skip
CONSOLE_USAGE = table(
    usage_date_utc=DAY, model_version=OPUS, api_key=KEY, workspace="Claude Code", usage_type="standard",
    context_window="≤ 200k", usage_input_tokens_no_cache="100000", usage_input_tokens_cache_write_5m="0",
    usage_input_tokens_cache_write_1h="0", usage_input_tokens_cache_read="0", usage_output_tokens="50000",
    web_search_count="0", inference_geo="global", speed="",
)  # fmt: skip
USAGE_API = json.dumps({
    "data": [{"starting_at": f"{DAY}T00:00:00Z", "ending_at": "2026-10-02T00:00:00Z", "results": [{
        "uncached_input_tokens": 100_000, "cache_creation": {}, "cache_read_input_tokens": 0, "output_tokens": 50_000,
        "server_tool_use": {"web_search_requests": 0}, "api_key_id": "apikey_01Checkout99", "workspace_id": WORKSPACE,
        "model": OPUS, "service_tier": "standard", "context_window": "0-200k", "inference_geo": "global",
    }]}],
    "has_more": False,
})  # fmt: skip
ANALYTICS = json.dumps({
    "data": [{
        "date": f"{DAY}T00:00:00Z", "actor": {"type": "user_actor", "email_address": "carol@example.com"},
        "organization_id": "3f0c7a52-5b1e-4d8a-9c66-0e2b7d41a9f3", "customer_type": "api", "terminal_type": "tmux",
        "core_metrics": {"num_sessions": 1}, "tool_actions": {},
        "model_breakdown": [{
            "model": OPUS, "tokens": {"input": 100_000, "output": 50_000, "cache_read": 0, "cache_creation": 0},
            "estimated_cost": {"currency": "USD", "amount": 175},
        }],
    }],
})  # fmt: skip


def session(call: int, inputs: int, outputs: int) -> str:
    """Return a line of Claude Code's own log."""
    used = {"input_tokens": inputs, "output_tokens": outputs}
    message = {"id": f"msg_{call}", "model": OPUS, "stop_reason": "end_turn", "content": [], "usage": used}
    about = {"sessionId": "s1", "cwd": "/src/shop", "requestId": f"req_{call}", "message": message}
    return json.dumps({"type": "assistant", "timestamp": f"{DAY}T1{call}:00:00.000Z", **about}) + "\n"


SESSIONS = session(0, 60_000, 30_000) + session(1, 40_000, 20_000)

SUBSCRIBED = ANALYTICS.replace('"customer_type": "api"', '"customer_type": "subscription"')

# -- the same day in claude.ai: 50,000 tokens, $10 on the bill --------------------------------------------------------
BUCKET = {"starting_at": f"{DAY}T00:00:00Z", "ending_at": "2026-10-02T00:00:00Z"}
SEATS_COST = json.dumps({
    "data": [{**BUCKET, "results": [{
        "currency": "USD", "amount": "1000", "list_amount": "1000", "product": "claude_code", "model": OPUS,
    }]}],
})  # fmt: skip
SEATS_USAGE = json.dumps({
    "data": [{**BUCKET, "results": [{
        "product": "claude_code", "model": OPUS, "uncached_input_tokens": 30_000, "cache_creation": {},
        "cache_read_input_tokens": 0, "output_tokens": 20_000, "requests": 3, "server_tool_use": {},
    }]}],
})  # fmt: skip
SEATS = {"seats-cost.json": SEATS_COST, "seats.json": SEATS_USAGE}

# -- two calls through LiteLLM: 2 million tokens in and one out, $2.50 on the bill ------------------------------------
MINI = "gpt-5-mini-2025-08-07"


def routed(call: int, user: str) -> str:
    """Return a call as LiteLLM logs it."""
    counts = {"prompt_tokens": 1_000_000, "completion_tokens": 500_000, "total_tokens": 1_500_000}
    who = {"user_api_key_alias": "backend", "user_api_key_team_alias": "Platform", "user_api_key_org_id": "org-own"}
    about = {"id": f"chatcmpl-{call}", "call_type": "acompletion", "status": "success", "custom_llm_provider": "openai"}
    when = {"startTime": f"{DAY}T0{call}:00:00", "endTime": f"{DAY}T0{call}:00:01", "model": "gpt-5-mini"}
    metadata = {**who, "user_api_key_user_email": user, "usage_object": counts}
    return json.dumps({**about, **when, **counts, "metadata": metadata, "response_cost": 1.25}) + "\n"


ROUTED = routed(1, "alice@example.com") + routed(2, "bob@example.com")
TIMES = {"start_time": "1790812800", "end_time": "1790899200"}


def openai_cost(**names: str) -> str:
    """Return a cost export that names some of its projects, keys and users."""
    empty = dict.fromkeys(("user_id", "api_key_id", "project_id", "organization_id", "project_name", "user_email"), "")
    amount = {"amount_value": "2.5", "amount_currency": "usd", "line_item": f'"{MINI}, output_tokens"'}
    return table(**TIMES, **amount, **{**empty, **names})


OPENAI_USAGE = table(
    **TIMES, project_id=PROJECT, num_model_requests="2", user_id="user-Q7mWc2LxT0pY", api_key_id="key_Zt4WqLm8RvXc",
    model=MINI, batch="False", service_tier="default", input_tokens="2000000", output_tokens="1000000",
    input_cached_tokens="0",
)  # fmt: skip
PLACED = {"project_id": PROJECT, "organization_id": "org-Vd5KxT9wPq2L", "project_name": "support"}
KEYED = {**PLACED, "api_key_id": "key_Zt4WqLm8RvXc", "user_id": "user-Q7mWc2LxT0pY"}
OWNED = {**KEYED, "user_email": "owner@example.com"}

# -- a call in a cloud, whose bill names the account that pays --------------------------------------------------------
BEDROCK = json.dumps({
    "timestamp": f"{DAY}T09:01:00Z", "accountId": "100000000002", "region": "us-east-1", "requestId": "r1",
    "operation": "Converse", "modelId": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "input": {"inputTokenCount": 1_000_000}, "output": {"outputTokenCount": 100_000},
    "schemaType": "ModelInvocationLog", "schemaVersion": "1.0",
})  # fmt: skip
HOUR = {"line_item_usage_start_date": f"{DAY}T09:00:00.000Z", "line_item_usage_end_date": f"{DAY}T10:00:00.000Z"}
CUR = table(
    bill_bill_type="Anniversary", bill_billing_period_start_date=f"{DAY}T00:00:00.000Z",
    bill_payer_account_id="100000000001", line_item_currency_code="USD", line_item_line_item_type="Usage",
    line_item_product_code="AmazonBedrock", line_item_unblended_cost="3.0", line_item_usage_amount="1000",
    line_item_usage_account_id="100000000002", line_item_usage_type="USE1-Claude4.5Sonnet-input-tokens",
    identity_line_item_id="i1", **HOUR, pricing_unit="1K tokens",
)  # fmt: skip

MIXES: dict[str, tuple[Files, str, int]] = {
    "console": ({"cost.csv": CONSOLE_COST, "usage.csv": CONSOLE_USAGE}, "4", 150_000),
    "console and its report": ({"cost.csv": CONSOLE_COST, "report.json": ANALYTICS}, "4", 150_000),
    "cost by name, usage by id": ({"cost.csv": CONSOLE_COST, "api.json": USAGE_API}, "4", 150_000),
    "report and log": ({"report.json": ANALYTICS, "s1.jsonl": SESSIONS}, "1.4", 150_000),
    "subscription and log": ({"report.json": SUBSCRIBED, "s1.jsonl": SESSIONS}, "0", 150_000),
    "all of Claude Code": (
        {"cost.csv": CONSOLE_COST, "usage.csv": CONSOLE_USAGE, "report.json": ANALYTICS, "s1.jsonl": SESSIONS},
        "4",
        150_000,
    ),
    "console without a bill, claude.ai with one": ({"usage.csv": CONSOLE_USAGE, "c.json": SEATS_COST}, "11.4", 150_000),
    "console and claude.ai": ({"cost.csv": CONSOLE_COST, "usage.csv": CONSOLE_USAGE, **SEATS}, "14", 200_000),
    "console, claude.ai and a log of either": (
        {"cost.csv": CONSOLE_COST, "usage.csv": CONSOLE_USAGE, "report.json": ANALYTICS, "s1.jsonl": SESSIONS, **SEATS},
        "14",
        200_000,
    ),
    "router, ungrouped": ({"log.jsonl": ROUTED, "cost.csv": openai_cost()}, "2.5", 3_000_000),
    "router, by project": ({"log.jsonl": ROUTED, "cost.csv": openai_cost(**PLACED)}, "2.5", 3_000_000),
    "router, by key": ({"log.jsonl": ROUTED, "cost.csv": openai_cost(**KEYED)}, "2.5", 3_000_000),
    "router, by owner": (
        {"log.jsonl": ROUTED, "cost.csv": openai_cost(**OWNED), "usage.csv": OPENAI_USAGE},
        "2.5",
        3_000_000,
    ),
    "linked account": ({"log.jsonl": BEDROCK, "cur.csv": CUR}, "3", 1_100_000),
}


@pytest.mark.parametrize("user", ["", "carol", "carol@example.com"])
@pytest.mark.parametrize("name", MIXES)
def test_each_call_counts_once(name: str, user: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever files tell of a day, and whoever is said to own the logs: the bill is the spend, the tokens are its."""
    files, spend, tokens = MIXES[name]
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    owned = user if "s1.jsonl" in files else ""
    store = ["--store", str(tmp_path / "store")]
    assert run(["ingest", "--user", owned, *(str(tmp_path / file) for file in files), *store]) == 0
    capsys.readouterr()
    assert run(["report", "--period", "all", "--by", "source", "--format", "json", *store]) == 0
    totals = json.loads(capsys.readouterr().out, parse_float=Decimal)["totals"]

    assert (totals["effective_cost"], totals["total_tokens"]) == (Decimal(spend), tokens)


def test_a_log_of_another_account_is_on_no_bill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The configuration says that the log is of a private account: the company's bill does not pay for it."""
    config = tmp_path / "tokenaudit.toml"
    config.write_text('[[account]]\nsource = "claude-code"\naccount = "private"\n')
    (tmp_path / "cost.csv").write_text(CONSOLE_COST)
    (tmp_path / "s1.jsonl").write_text(SESSIONS)
    store = ["--store", str(tmp_path / "store"), "--config", str(config)]
    assert run(["ingest", str(tmp_path / "cost.csv"), str(tmp_path / "s1.jsonl"), *store]) == 0
    capsys.readouterr()
    assert run(["report", "--period", "all", "--by", "source", "--format", "json", *store]) == 0
    rows = json.loads(capsys.readouterr().out, parse_float=Decimal)["rows"]

    assert [(row["source"], row["effective_cost"]) for row in rows] == [
        ("anthropic-cost", Decimal(4)),
        ("claude-code", Decimal("1.4")),
    ]
