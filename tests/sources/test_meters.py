"""Names of meters, as the clouds write them, to model, class, tier and scope; units; labels of every dress."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.sources import _bill
from tokenaudit.sources._meters import Meter, meter

IN, READ, OUT = "uncached_input_tokens", "cache_read_input_tokens", "output_tokens"
WRITE, WRITE_1H = "cache_creation_5m_input_tokens", "cache_creation_1h_input_tokens"
AWS = {
    "USE1-NovaLite-input-tokens": Meter("nova-lite", IN),
    "USE1-Claude4.6Opus-cache-read-input-token-count": Meter("claude-4.6-opus", READ),
    "USE1-Claude4.6Opus-output-tokens-cross-region-global": Meter("claude-4.6-opus", OUT, scope="global"),
    "EUW2-NovaPro-cache-write-input-token-count-cross-region-geo": Meter("nova-pro", WRITE, scope="regional"),
    "USW2-anthropic.claude-opus-4-8-mantle-cache-write-tokens-standard": Meter("claude-opus-4-8", WRITE),
    "APN1-Llama3-1-70B-input-tokens-batch": Meter("llama3-1-70b", IN, batch=True),
    "USE1-MP:USE1_InputTokenCount-Units": Meter(None, IN),
    "USE1-MP:USE1_OutputTokenCount_Global-Units": Meter(None, OUT, scope="global"),
    "USE1-MP:USE1_InputTokenCount_Global_Batch-Units": Meter(None, IN, batch=True, scope="global"),
    "USE1-MP:USE1_CacheReadInputTokenCount-Units": Meter(None, READ),
    "USE1-MP:USE1_CacheWriteInputTokenCount-Units": Meter(None, WRITE),
    "USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units": Meter(None, WRITE_1H, scope="global"),
    "USE1-MP:USE1_cache_write_tokens_1h_global_standard-Units": Meter(None, WRITE_1H, scope="global"),
    "USE1-MP:USE1_cache_write_tokens_30m_standard-Units": Meter(None, "cache_creation_30m_input_tokens"),
    "USE1-MP:USE1_output_tokens_global_priority-Units": Meter(None, OUT, service_tier="priority", scope="global"),
    "USE1-MP:USE1_input_tokens_long_ctx_standard-Units": Meter(None, IN, context="long"),
    "USE1-MP:USE1_Reserved_1Month_InputTPM_Geo-Units": Meter(None, None, scope="regional"),
}
AZURE = {
    ("gpt 4o 0513 Input global Tokens", "Azure OpenAI"): Meter("gpt-4o", IN, scope="global"),
    ("gpt-4o-0806-Inp-glbl Tokens", "Azure OpenAI"): Meter("gpt-4o", IN, scope="global"),
    ("gpt-4o-mini-0718-Batch-Outp-glbl Tokens", "Azure OpenAI"): Meter("gpt-4o-mini", OUT, batch=True, scope="global"),
    ("gpt 4o 1120 cached Inp glbl", "Azure OpenAI"): Meter("gpt-4o", READ, scope="global"),
    ("GPT 5 Inpt Glbl 1M Tokens", "Azure OpenAI GPT5"): Meter("gpt-5", IN, scope="global"),
    ("gpt 4.1 Outp regnl Tokens", "Azure OpenAI"): Meter("gpt-4.1", OUT, scope="regional"),
    ("o3 0416 cached Inp Data Zone Tokens", "Azure OpenAI"): Meter("o3", READ, scope="data zone"),
    ("5.4 pp opt Dz 1M Tokens", "Azure OpenAI GPT5"): Meter("gpt-5.4", OUT, service_tier="priority", scope="data zone"),
    ("5.4 mini Inp Flex Gl", "Azure OpenAI GPT5"): Meter("gpt-5.4-mini", IN, service_tier="flex", scope="global"),
    ("5.4 longco inp Gl", "Azure OpenAI GPT5"): Meter("gpt-5.4", IN, scope="global", context="long"),
    ("6-sol ShortCo Cd Wr Std Gl 1M Tokens", "Azure OpenAI GPT5"): Meter("gpt-6-sol", WRITE, scope="global"),
    ("gpt-5-codex-ccchd-inp-glbl Tokens", "Azure OpenAI GPT5"): Meter("gpt-5-codex", READ, scope="global"),
    ("gpt-4o-rt-aud-1217 Outp glbl", "Azure OpenAI"): Meter("gpt-4o-realtime", "audio_output_tokens", scope="global"),
    ("gpt-4o-rt-txt-1217 Outp glbl", "Azure OpenAI"): Meter("gpt-4o-realtime", OUT, scope="global"),
    ("gpt-4o-aud-1217 Inp glbl", "Azure OpenAI"): Meter("gpt-4o-audio", "audio_input_tokens", scope="global"),
    ("text-embedding-3-large-glbl Tokens", "Azure OpenAI"): Meter("text-embedding-3-large", IN, scope="global"),
    ("4.6 Outp DZ L Tokens", "Azure Grok Models"): Meter("grok-4.6", OUT, scope="data zone", context="long"),
    ("V3.1 Inp DZone Tokens", "Azure Deepseek Models"): Meter("deepseek-v3.1", IN, scope="data zone"),
    ("K2.5 Thinking Outp DZ Tokens", "Azure Kimi Models"): Meter("kimi-k2.5-thinking", OUT, scope="data zone"),
    ("Phi-3.5-Mini-128K-Instruct-Output Tokens", "Azure Phi"): Meter("phi-3.5-mini-128k-instruct", OUT),
    ("Provisioned Managed Global Unit", "Azure OpenAI"): Meter(None, None, scope="global"),
    ("Code-Interpreter-global Session", "Azure OpenAI"): Meter(None, None, scope="global"),
}
GOOGLE = {
    "Gemini 2.5 Flash GA Text Input - Predictions": Meter("gemini-2.5-flash", IN),
    "Gemini 2.5 Flash GA Thinking Text Output - Predictions": Meter("gemini-2.5-flash", OUT),
    "Gemini 2.5 Flash GA Input Text Caching": Meter("gemini-2.5-flash", READ),
    "Gemini 3 Flash Text Input Caching Storage": Meter("gemini-3-flash", None),
    "Gemini 2.5 Flash Image Input - Predictions": Meter("gemini-2.5-flash", "image_input_tokens"),
    "Gemini 3.1 Flash Image Text Input - Predictions": Meter("gemini-3.1-flash-image", IN),
    "Gemini 2.5 Pro Priority Text Input - Predictions": Meter("gemini-2.5-pro", IN, service_tier="priority"),
    "Gemini 3.5 Flash Global Text Output - Predictions": Meter("gemini-3.5-flash", OUT, scope="global"),
    "Generate content input token count gemini 3.1 flash lite preview text": Meter("gemini-3.1-flash-lite-preview", IN),
    "Generate content cached input token count gemini 2.5 flash input audio": Meter(
        "gemini-2.5-flash", "cache_read_audio_input_tokens"
    ),
    "Generate content output token count gemini 2.5 flash short output text non-thinking": Meter(
        "gemini-2.5-flash", OUT
    ),
    "Generate content input token count gemini 3.7 flash image flex caching": Meter(
        "gemini-3.7-flash", "cache_read_image_input_tokens", service_tier="flex"
    ),
    "Generate content input token count Gemini 2.5 Pro long input text": Meter("gemini-2.5-pro", IN, context="long"),
    "Generate_content image output token count for Gemini 3 Pro Image": Meter(
        "gemini-3-pro-image", "image_output_tokens"
    ),
    "EmbedContent input token count for gemini-embedding-2 text": Meter("gemini-embedding-2", IN),
    "Imagen 4 fast Generation (output)": Meter("imagen-4-fast", None),
    "Grounding with Google Search on Gemini 3": Meter(None, None),
    "Cloud Vertex AI Model Garden Model as a Service GLM-5.2 Input": Meter("glm-5.2", IN),
}


@pytest.mark.parametrize("name", [*AWS, *GOOGLE])
def test_names_of_meters(name: str) -> None:
    """Usage types of AWS and SKUs of Google."""
    assert meter((name,)) == (AWS | GOOGLE)[name]


@pytest.mark.parametrize("case", AZURE)
def test_names_of_azure(case: tuple[str, str]) -> None:
    """Meters of Azure, whose product holds the brand that the name leaves out."""
    assert meter((case[0],), case[1]) == AZURE[case]


def test_several_names() -> None:
    """The class is of the first name that tells one; the model of the first that names a known one."""
    marketplace = ("USE1-MP:USE1_OutputTokenCount-Units", None, "Claude Opus 5 (Amazon Bedrock Edition)")
    assert meter(marketplace) == Meter("claude-opus-5", OUT)
    assert meter(("Read Input", "Output Tokens", "solora-pro-output")) == Meter("solora-pro", READ)
    assert meter((None, "Seat", "Claude API")) == Meter()
    assert meter(()) == Meter()


@given(st.text() | st.lists(st.sampled_from([*AWS, *GOOGLE, "cached", "Outp", "batch", "-"])).map(" ".join))
def test_any_text_is_a_meter(text: str) -> None:
    """Whatever stands there is read without an error, and counts a class or nothing."""
    assert meter((text,)).counts in (None, *schema.TOKEN_CLASSES)


BLOCKS = {
    "Tokens": 1, "tokens": 1, "1000 Tokens": 1000, "1,000 tokens": 1000, "1K tokens": 1000, "10K": 10_000,
    "1M": 1_000_000, "1M tokens": 1_000_000, "1000000 Tokens": 1_000_000, "Million Input Tokens": 1_000_000,
    "per thousand tokens": 1000, "1": 1, "Units": 1,
}  # fmt: skip


@pytest.mark.parametrize("unit", BLOCKS)
def test_blocks(unit: str) -> None:
    """A unit is one token or a block of them."""
    assert pl.select(_bill.block(pl.lit(unit))).item() == BLOCKS[unit]


LABELS: dict[str | None, dict[str, str] | None] = {
    '{"team": "a", "n": "1"}': {"team": "a", "n": "1"},
    '{"team":"a","critical":true,"n":-1.5e3,"x":null}': {"team": "a", "critical": "true", "n": "-1.5e3", "x": "null"},
    '[{"key":"team","value":"a"},{"key":"env","value":"b, c"}]': {"team": "a", "env": "b, c"},
    '"team": "a","env": "b"': {"team": "a", "env": "b"},
    '{"say":"\\"1\\": 2, true"}': {"say": '"1": 2, true'},
    "team=a": {"labels": "team=a"},
    "{}": None,
    "[]": None,
    None: None,
}


@pytest.mark.parametrize("text", LABELS)
def test_labels(text: str | None) -> None:
    """Labels of every dress are an object of strings."""
    found = pl.select(_bill.labels(pl.lit(text, pl.String))).item()
    assert (found and json.loads(found)) == LABELS[text]


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.none(), min_size=1))
def test_any_labels(labels: dict[str, object]) -> None:
    """Whatever the labels, what comes out is an object of strings, and nothing is lost."""
    found = json.loads(pl.select(_bill.labels(pl.lit(json.dumps(labels)))).item())
    spelt = {key: value if isinstance(value, str) else json.dumps(value) for key, value in labels.items()}
    assert found == spelt or found == {"labels": json.dumps(labels)}


def test_joined_labels() -> None:
    """Two objects become one; nothing and nothing is nothing."""
    two = pl.DataFrame({"a": ['{"x":"1"}', None, None], "b": ['{"y":"2"}', '{"y":"2"}', None]})
    found = two.select(_bill.joined(pl.col("a"), pl.col("b"))).to_series().to_list()
    assert found == ['{"x":"1","y":"2"}', '{"y":"2"}', None]
