"""How many tokens a text is for a model, and how sure that is.

* OpenAI's models: exact, by the encoding that OpenAI publishes for them. For names that OpenAI has not published an
  encoding for, that of its newest models is assumed.
* All others: characters. Their tokenizers are not public, or not shipped here; what their makers say of characters and
  tokens is in `CHARACTERS`.

Text alone is counted. A provider adds a few tokens for each message, and counts images, files and tools its own way.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from tokenaudit.tokenizer.encodings import encoding

Method = Literal["tokenizer", "assumed tokenizer", "characters"]

PUBLISHED: tuple[tuple[str, str], ...] = (
    (r"gpt-4(?![o.\d])|gpt-3\.?5|text-embedding-(?:3|ada-002)|davinci-002|babbage-002", "cl100k_base"),
    (r"gpt-5|gpt-4o|gpt-4\.[15]|chatgpt-4o|gpt-oss|o[134](?![\w.])", "o200k_base"),
)
"""What begins the name of a model whose encoding tiktoken 0.14 knows, and that encoding; the first that fits."""
ASSUMED = (r"gpt-|chatgpt-|o\d(?![\w.])|codex-|computer-use|chat-latest", "o200k_base")
"""What begins other names of OpenAI's."""


class Rule(NamedTuple):
    """Thousandths of a token for a character of one kind of model, and who says so."""

    names: str
    """Regular expression of the beginning of a name."""
    letter: int
    wide: int
    """Of scripts that are written without spaces: Chinese, Japanese, Korean."""
    source: str


CHARACTERS: tuple[Rule, ...] = (
    Rule(
        r"claude-(?:opus|sonnet|haiku|fable|mythos)-(?:4[.-][789]|[5-9])",
        386,
        1000,
        "Anthropic: 3.5 English characters a token, and up to 35 % more tokens since Opus 4.7",
    ),
    Rule(r"claude", 286, 1000, "Anthropic's glossary: 3.5 English characters a token"),
    Rule(r"gemini|gemma|learnlm", 250, 1000, "Google's documentation: about 4 characters a token"),
    Rule(r"deepseek", 300, 600, "DeepSeek's documentation: 0.3 tokens an English character, 0.6 a Chinese one"),
    Rule(r"", 250, 1000, "the usual rule of thumb: 4 English characters a token"),
)
"""The first whose pattern fits. A character of a script without spaces counts as a whole token where nobody says."""

WIDE = re.compile(
    "[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)


class Count(NamedTuple):
    """Tokens of a text."""

    tokens: int
    method: Method
    by: str
    """The encoding, or who says how many characters are a token."""


def count(text: str, model: str | None = None) -> Count:
    """Return how many tokens a text is for a model; without one, for OpenAI's newest."""
    name = plain(model) if model else "gpt-5"
    for pattern, named in PUBLISHED:
        if re.match(pattern, name):
            return Count(_encoded(text, named), "tokenizer", named)
    if re.match(ASSUMED[0], name):
        return Count(_encoded(text, ASSUMED[1]), "assumed tokenizer", ASSUMED[1])
    rule = next(rule for rule in CHARACTERS if re.match(rule.names, name))
    return Count(by_characters(text, rule), "characters", rule.source)


def plain(model: str) -> str:
    """Return a model's name in lower case, without what gateways write before it.

    >>> plain("openrouter/anthropic/claude-opus-4.5"), plain("us.anthropic.claude-opus-4-5-v1:0"), plain("ft:gpt-4o:me")
    ('claude-opus-4.5', 'claude-opus-4-5-v1:0', 'gpt-4o:me')
    """
    name = model.strip().lower().rpartition("/")[2]
    return re.sub(r"^(?:ft:)?(?:[a-z-]+\.)*?(?=claude|gpt|gemini|gemma|deepseek|o\d)", "", name)


def by_characters(text: str, rule: Rule) -> int:
    """Return the tokens of a text by its characters, rounded up."""
    wide = len(WIDE.findall(text))
    return -(-(wide * rule.wide + (len(text) - wide) * rule.letter) // 1000)


def _encoded(text: str, name: str) -> int:
    return len(encoding(name).encode_ordinary(text))
