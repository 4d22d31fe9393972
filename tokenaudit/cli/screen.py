"""What the command line says to people besides data: errors on stderr, in colour where a person looks.

Colour follows NO_COLOR, FORCE_COLOR and TERM=dumb, as rich does for tables; ``--color`` is another way to set them.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

from tokenaudit.errors import TokenauditError

COLORS = ("auto", "always", "never")
RED, CYAN, PLAIN = "\033[1;31m", "\033[36m", "\033[0m"


def use_color(when: str) -> None:
    """Colour everything, or nothing, for the rest of this process; ``auto`` leaves it to the terminal."""
    if when == "auto":
        return
    wanted, other = ("FORCE_COLOR", "NO_COLOR") if when == "always" else ("NO_COLOR", "FORCE_COLOR")
    os.environ[wanted] = "1"
    os.environ.pop(other, None)


def colored(stream: TextIO) -> bool:
    """Tell whether to write colours to a stream."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def say(line: str) -> None:
    """Print a line for people, on stderr."""
    print(line, file=sys.stderr)


def fail(sentence: str) -> None:
    """Print a sentence about what is not as it should be, on stderr."""
    print(_labelled("error", RED, sentence), file=sys.stderr)


def complain(error: TokenauditError) -> int:
    """Print an error and its hint on stderr; return the exit code it ends with."""
    lines = [_labelled("error", RED, error.message)]
    if error.hint:
        lines += ["", _labelled("hint", CYAN, error.hint)]
    print(*lines, sep="\n", file=sys.stderr)
    return error.exit_code


def _labelled(label: str, color: str, text: str) -> str:
    return f"{color}{label}:{PLAIN} {text}" if colored(sys.stderr) else f"{label}: {text}"
