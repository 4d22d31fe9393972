"""From a logged name to the model it means, and to what that model is called in the price book.

Order of the look-up, for the name as it stands and then for simpler and simpler writings of it (`spelling.forms`):
the seller's own list, then the lists of sellers it resells, then the seller's undated list, then the maker's list. A
name counts as a pattern's match only where no number goes on beyond it: ``claude-opus-4-5`` is never found in
``claude-opus-4-55``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from fnmatch import fnmatchcase
from functools import cache, cached_property
from types import MappingProxyType
from typing import NamedTuple, Protocol, Self

from tokenaudit.prices import spelling
from tokenaudit.prices.spelling import Written

NO_MODELS = ("", "<synthetic>", "auto", "default", "unknown")
"""What logs put where no model was named."""
MAKERS = tuple(dict.fromkeys(spelling.MAKERS.values()))
"""Whose lists are searched, in this order, for a name that says neither seller nor maker."""
WHOLE_DATE = re.compile(r"20\d{6}")
NUMBER_GOES_ON = re.compile(r"[.-]\d{1,2}(?!\d)")


LookUp = Callable[[str, str], str | None]
Note = Callable[[str, str, str | None, bool], None]


class LastResort(Protocol):
    """A list without dates, read when its names are first asked for."""

    @property
    def names(self) -> Names:
        """The names of the list."""


class Name(NamedTuple):
    """What one logged name means."""

    provider: str | None
    """Who sells: as logged, else as the name says; null where nobody knows it."""
    model: str | None
    """Name of the model at its maker; as logged where no maker lists it."""
    seller: str | None = None
    """With `price_model`: whose price holds; null where no price is known."""
    price_model: str | None = None
    fast: bool = False
    """The fast variant of that model is meant."""
    assumed: bool = False
    """The provider lists no price for it: the maker's is taken instead."""
    resold: bool = False
    """The price is that of another seller, whose regions are not those of this one."""
    undated: bool = False
    """The price is of a list without dates."""


class Names:
    """The names of all models of a price book.

    `spelt` gives the model for a seller and a name in lower case; `patterns` are rows of (seller, kind, text, model) in
    the order in which they are tried, see `MATCHES`; `fallbacks` says whose models a seller resells at their price;
    `undated` is asked where neither knows a name.
    """

    models: Mapping[str, str] = MappingProxyType({})
    """The user's own list of what names mean, see `renamed`."""
    note: Note = staticmethod(lambda _seller, _text, _model, _undated: None)
    """Told of each look-up for a price: whose list, which name, which model (None: no such name), and whether the list
    is undated."""

    def __init__(
        self,
        spelt: Mapping[tuple[str, str], str],
        patterns: Iterable[tuple[str, str, str, str]],
        fallbacks: Mapping[str, list[str]],
        undated: LastResort | None = None,
    ) -> None:
        self.spelt = spelt
        self.fallbacks = fallbacks
        self.undated = undated
        self.sellers = {seller for seller, _ in spelt}
        self.patterns: dict[str, list[tuple[str, str, str]]] = {}
        for seller, kind, text, model in patterns:
            self.patterns.setdefault(seller, []).append((kind, text, model))

    def with_models(self, models: Mapping[str, str]) -> Self:
        """Return the same names, with the user's own list of what names mean."""
        found = copy(self)
        found.models = {name.strip().lower(): model for name, model in models.items()}
        return found

    def renamed(self, provider: str | None, request_model: str) -> str:
        """Return what the user's own list says that a name means, itself where it says nothing.

        Entries are names, or patterns with ``*``, ``?`` and ``[...]``, alone or behind ``provider/``. A name counts
        before patterns; of patterns the first that fits.
        """
        name = request_model.strip().lower()
        texts = (f"{(provider or '').strip().lower()}/{name}", name)
        spelt = (self.models[text] for text in texts if text in self.models)
        fitting = (model for pattern, model in self.models.items() if any(fnmatchcase(text, pattern) for text in texts))
        return next(spelt, None) or next(fitting, request_model)

    def find(self, provider: str | None, request_model: str | None) -> Name:
        """Return what `request_model` means in a row of `provider`."""
        if request_model is not None and self.models:
            request_model = self.renamed(provider, request_model)
        if request_model is None or request_model.strip().lower() in NO_MODELS:
            return Name(provider, request_model)
        written = spelling.read(request_model)
        maker, model = self._made(written)
        seller = written.seller or self._seller(provider)
        named = Name(provider or seller or maker, model or request_model)
        if seller is None and provider and provider.strip().lower() in spelling.LOCAL:
            return named
        return self._priced(named, written, seller, maker)

    def _undated(self, named: Name, written: Written, sellers: Iterable[str | None]) -> Name | None:
        """Return a name that the undated list of one of some sellers has."""
        if self.undated is None:
            return None
        for lister in dict.fromkeys(seller for seller in sellers if seller is not None):
            for text in dict.fromkeys((written.listed, *written.sold_as)):
                model = self.undated.names.spelt.get((lister, text))
                self.note(lister, text, model, True)  # noqa: FBT003 - a note, see above
                if model:
                    owner = self.undated.names.owners[model]
                    assumed = lister == "" and named.provider not in (None, owner)
                    found = named._replace(provider=named.provider or owner, seller=owner, price_model=model)
                    return found._replace(assumed=assumed, undated=True)
        return None

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """Return who sells each model of these names."""
        return {model: seller for (seller, _), model in self.spelt.items() if seller}

    def _made(self, written: Written) -> tuple[str | None, str | None]:
        """Return the maker and what the model is called there, tags left aside."""
        forms = (*written.made_as, *map(spelling.untagged, written.made_as))
        for maker in (written.maker,) if written.maker else MAKERS:
            if model := self._first(maker, forms):
                return maker, model
        return written.maker, None

    def _seller(self, provider: str | None) -> str | None:
        name = (provider or "").strip().lower()
        if name in self.sellers or not name:
            return name or None
        return next((seller for part, seller in spelling.SELLERS if part in name), None)

    def _priced(self, named: Name, written: Written, seller: str | None, maker: str | None) -> Name:
        """Complete a name by the list that its price stands in: the seller's, a resold seller's or the maker's."""
        if spelling.is_zoned(seller, written) and (found := self._undated(named, written, (seller,))):
            return found
        listers = (seller, *self.fallbacks.get(seller, ())) if seller else ()
        for lister in listers:
            resold = lister != seller
            if model := self._sought(lister, (written.listed,), self._listed):
                return named._replace(seller=lister, price_model=model, resold=resold)
            if model := self._sought(lister, written.sold_as, self._match):
                return named._replace(seller=lister, price_model=model, fast=written.fast, resold=resold)
        if found := self._undated(named, written, _told(named, written, seller, maker)):
            return found
        model = self._sought(maker, written.made_as, self._match) if maker else None
        if maker is None or model is None:
            return self._undated(named, written, () if seller else ("",)) or named
        assumed = seller not in (None, maker) or (seller is None and named.provider != maker)
        found = named._replace(seller=maker, price_model=model, fast=written.fast)
        return found._replace(assumed=assumed, resold=seller not in (None, maker))

    def _sought(self, seller: str, texts: Iterable[str], look_up: LookUp) -> str | None:
        for text in texts:
            model = look_up(seller, text)
            self.note(seller, text, model, False)  # noqa: FBT003 - a note, see above
            if model:
                return model
        return None

    def _listed(self, seller: str, text: str) -> str | None:
        """Return the model of one seller that is listed letter by letter."""
        return self.spelt.get((seller, text))

    def _first(self, seller: str, texts: Iterable[str]) -> str | None:
        return next((model for text in texts if (model := self._match(seller, text))), None)

    def _match(self, seller: str, text: str) -> str | None:
        """Return the model of one seller that a text names; one with a tag that changes its price only if listed."""
        if (model := self.spelt.get((seller, text))) or spelling.TAG.search(text):
            return model
        patterns = self.patterns.get(seller, ())
        return next((model for kind, pattern, model in patterns if MATCHES[kind](text, pattern)), None)


def _told(named: Name, written: Written, seller: str | None, maker: str | None) -> Iterator[str]:
    """Yield who may be the seller in a list without dates: as known, as logged, as the name begins."""
    if seller:
        yield seller
    if named.provider and named.provider != maker:
        yield named.provider.strip().lower()
    first, slash, _ = written.listed.partition("/")
    if slash and not written.maker:
        yield first


def _starts(text: str, pattern: str) -> bool:
    return text.startswith(pattern) and _ends_there(pattern, text[len(pattern) :])


def _ends(text: str, pattern: str) -> bool:
    return text.endswith(pattern) and _begins_there(text[: -len(pattern)])


def _contains(text: str, pattern: str) -> bool:
    before, found, after = text.partition(pattern)
    return bool(found) and _begins_there(before) and _ends_there(pattern, after)


def _begins_there(before: str) -> bool:
    """Say whether a name may begin after this text: nothing, or the path, region or vendor in front of it."""
    return before[-1:] in ("", ".", "/", ":")


def _ends_there(pattern: str, after: str) -> bool:
    """Say whether a name may end where a pattern does: no longer number, no further part of a version follows."""
    if not pattern[-1].isdigit():
        return True
    if after[:1].isdigit():
        digits = _digits_around(pattern, after)
        return digits.startswith("0") or WHOLE_DATE.fullmatch(digits) is not None
    return NUMBER_GOES_ON.match(after) is None


def _digits_around(before: str, after: str) -> str:
    start = len(before) - len(before.rstrip("0123456789"))
    end = len(after) - len(after.lstrip("0123456789"))
    return before[len(before) - start :] + after[:end]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _regex(text: str, pattern: str) -> bool:
    return _compiled(pattern).search(text) is not None


MATCHES: dict[str, Callable[[str, str], bool]] = {
    "starts": _starts,
    "ends": _ends,
    "contains": _contains,
    "regex": _regex,
}
"""Kind of a pattern -> whether a text fits it."""
