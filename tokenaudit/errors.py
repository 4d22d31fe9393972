"""Every error a user can meet, and the exit code it ends with.

* TokenauditError            exit 2: usage, configuration or input
  + ConfigError              `tokenaudit.toml` cannot be used
  + PeriodError              a period or date that cannot be read
  + SourceError              a file that no source can read
  + StoreError               the store cannot be opened, read or written
    - StoreVersionError      written by a newer version of tokenaudit
  + PriceError               a file of prices that cannot be used
  + NoDataError              nothing is stored for what was asked
  + QueryError               an unknown column, format or option value
"""

from __future__ import annotations


class TokenauditError(Exception):
    """An error with a sentence that says what is wrong and a hint that says what to do."""

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(TokenauditError):
    """The configuration file cannot be used."""


class PeriodError(TokenauditError):
    """A period, date or time zone cannot be read."""


class SourceError(TokenauditError):
    """No source can read a file, or the file is broken as a whole."""


class StoreError(TokenauditError):
    """The store cannot be opened, read or written."""


class StoreVersionError(StoreError):
    """The store was written by a newer version of tokenaudit."""


class PriceError(TokenauditError):
    """A file of prices cannot be used."""


class NoDataError(TokenauditError):
    """Nothing is stored for what was asked."""


class QueryError(TokenauditError):
    """An unknown column, format or option value."""


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``did you mean `x`?`` for the nearest known word, or an empty string."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f"did you mean `{near[0]}`?" if near else ""
