"""What LiteLLM's logs and exports have in common: the sellers' names, and classes out of an inclusive prompt count."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

SELLERS = {
    "vertex_ai": "google",
    "vertex_ai_beta": "google",
    "gemini": "google",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "sagemaker": "aws",
    "azure_ai": "azure",
    "azure_text": "azure",
    "text-completion-openai": "openai",
    "xai": "x-ai",
    "fireworks_ai": "fireworks",
    "together_ai": "together",
    "moonshot": "moonshotai",
}
"""LiteLLM's name of a provider where it is not the seller's."""
NOBODY = ("litellm_proxy", "custom", "custom_openai", "openai_like")
"""Providers that do not say who sold the tokens."""


def provider(named: pl.Expr, model: pl.Expr) -> pl.Expr:
    """Return who sold the tokens: as LiteLLM names it, else by the name of the model."""
    import polars as pl

    from tokenaudit.sources import expressions

    name = named.str.to_lowercase().replace(SELLERS)
    return pl.coalesce(pl.when(~name.is_in(NOBODY)).then(name), expressions.vendor(model))


def uncached(prompt: pl.Expr, parts: Iterable[pl.Expr]) -> pl.Expr:
    """Return the part of a prompt that is none of its parts.

    Old versions left cache tokens out of an Anthropic prompt: parts that exceed it cannot be inside it.
    """
    import polars as pl

    rest = prompt - pl.sum_horizontal(parts)
    return pl.when(rest >= 0).then(rest).otherwise(prompt)


def unguarded(name: str) -> pl.Expr:
    """Return a cell without the apostrophe that keeps a spreadsheet from computing it; ``-`` is nothing."""
    import polars as pl

    text = pl.col(name).str.replace(r"^'([=+\-@\t\r])", "${1}")
    return pl.when(pl.col(name) != "-").then(text)
