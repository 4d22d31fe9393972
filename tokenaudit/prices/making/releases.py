"""Where published prices are read from: a wheel, an installed package, or a file. Nothing of it is run."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from tokenaudit.errors import PriceError
from tokenaudit.prices.making.published import Model, Provider, read
from tokenaudit.prices.making.tables import Release

GENAI, LITELLM = "genai-prices", "litellm"
DATA, LIST = "genai_prices/data.py", "litellm/model_prices_and_context_window_backup.json"
URLS = {GENAI: "https://github.com/pydantic/genai-prices", LITELLM: "https://github.com/BerriAI/litellm"}
RELEASED = {(GENAI, "0.2.3"): date(2026, 11, 10), (LITELLM, "1.109.1"): date(2026, 11, 22)}
"""Day on which a release was published, or was the newest, for those that a bundled book was made of."""
WHEEL = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)-.*\.whl")


def genai_prices(path: Path | None, today: date) -> tuple[Release, tuple[Provider, ...]]:
    """Return what a wheel of genai-prices publishes, or the installed package. Raises PriceError.

    A release that is not known is dated by its youngest price that is not to come.
    """
    text, version = _installed() if path is None else _member(path, DATA)
    providers = read(text)
    days = [day for provider in providers for model in provider.models for day in _days(model) if day <= today]
    released = RELEASED.get((GENAI, version)) or max(days, default=today)
    return Release(GENAI, version, released, URLS[GENAI]), providers


def litellm(path: Path, today: date) -> tuple[Release, Mapping[str, Any]]:
    """Return what a wheel of LiteLLM publishes, or its price file alone. Raises PriceError."""
    alone = path.suffix.lower() == ".json"
    text, version = (_text(path), f"of {today}") if alone else _member(path, LIST)
    try:
        prices = json.loads(text)
    except ValueError as error:
        raise PriceError(f"`{path}` is no JSON: {error}") from error
    if not isinstance(prices, dict) or not all(isinstance(entry, dict) for entry in prices.values()):
        raise PriceError(f"`{path}` is no price file of LiteLLM", "it is one object with one object for each model")
    released = RELEASED.get((LITELLM, version), today)
    return Release(LITELLM, version, released, URLS[LITELLM]), prices


def kind(path: Path) -> str:
    """Return whose prices a file holds. Raises PriceError where it cannot be told."""
    if path.suffix.lower() == ".json":
        return LITELLM
    with _wheel(path) as wheel:
        held = set(wheel.namelist())
    found = next((name for name, member in ((GENAI, DATA), (LITELLM, LIST)) if member in held), None)
    if found is None:
        raise PriceError(
            f"`{path}` holds no prices", "give a wheel of genai-prices or litellm, or LiteLLM's price file"
        )
    return found


def _days(model: Model) -> list[date]:
    spans = (*(constraint for constraint, _ in model.prices), *(variant.constraint for variant in model.variants))
    return [constraint for constraint in spans if isinstance(constraint, date)]


def _installed() -> tuple[str, str]:
    try:
        package = distribution(GENAI)
    except PackageNotFoundError as error:
        raise PriceError("genai-prices is not installed", "give its wheel: --from FILE") from error
    return _text(Path(str(package.locate_file(DATA)))), package.version


def _member(path: Path, member: str) -> tuple[str, str]:
    named = WHEEL.fullmatch(path.name)
    with _wheel(path) as wheel:
        try:
            text = wheel.read(member).decode("utf-8")
        except (KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
            raise PriceError(f"`{path}` has no readable {member}", "is it the right wheel?") from error
    return text, named["version"] if named else "unknown"


def _wheel(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise PriceError(f"cannot read `{path}`: {error.strerror or error}") from error
    except zipfile.BadZipFile as error:
        raise PriceError(f"`{path}` is no wheel", "give a .whl or a .json file") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PriceError(f"cannot read `{path}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PriceError(f"`{path}` is not UTF-8") from error
