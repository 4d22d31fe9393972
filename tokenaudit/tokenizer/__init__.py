"""Counting tokens of text where nobody else counted them: with OpenAI's tokenizers, and by characters for others.

`encodings` are the tokenizers that are shipped, `count` says which one a model has and counts.
"""

from __future__ import annotations
