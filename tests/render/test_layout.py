"""Columns fit the width without a figure being cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.render.layout import SHORTEST, Extent, cell_width, fit, pad, shorten, spread

NAME = Extent(heading=7, cells=40, flexible=True, priority=0)
SPEND = Extent(heading=5, cells=11, flexible=False, priority=0)
SHARE = Extent(heading=5, cells=4, flexible=False, priority=1)
CACHE = Extent(heading=5, cells=4, flexible=False, priority=2)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (None, [40, 11, 5, 5]),
        (200, [40, 11, 5, 5]),
        (60, [31, 11, 5, 5]),
        (45, [16, 11, 5, 5]),
        (44, [22, 11, 5, None]),
        (36, [21, 11, None, None]),
        (25, [10, 11, None, None]),
        (10, [8, 11, None, None]),
    ],
)
def test_fit(width: int | None, expected: list[int | None]) -> None:
    """Names shrink to a sensible width, then columns go by priority, then names shrink to the least."""
    assert fit([NAME, SPEND, SHARE, CACHE], width) == expected


@given(
    st.lists(st.builds(Extent, st.integers(0, 20), st.integers(0, 60), st.booleans(), st.integers(0, 3)), min_size=1),
    st.integers(1, 200),
)
@settings(deadline=None)
def test_fit_never_narrows_figures(extents: list[Extent], width: int) -> None:
    """A kept figure has all its room, a name at least the least, and what need not stay never overflows."""
    widths = fit(extents, width)

    for extent, given_width in zip(extents, widths, strict=True):
        assert given_width is not None or extent.priority
        if given_width is not None:
            assert given_width >= (min(extent.cells, SHORTEST) if extent.flexible else extent.cells)
    optional = [w for e, w in zip(extents, widths, strict=True) if e.priority and w is not None]
    assert spread(widths) <= width or not optional


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("alice", 5, "alice"),
        ("claude-opus-5", 12, "claud…opus-5"),
        ("claude-opus-5", 9, "clau…us-5"),
        ("日本語日本語", 7, "日…本語"),
    ],
)
def test_shorten(text: str, width: int, expected: str) -> None:
    """A name loses its middle."""
    assert shorten(text, width) == expected


@given(st.text(max_size=30), st.integers(2, 30))
@settings(deadline=None, max_examples=50)
def test_shortened_names_fit(text: str, width: int) -> None:
    """Wide characters included, a shortened name is never wider than its column."""
    assert cell_width(shorten(text, width)) <= width


def test_pad() -> None:
    """Padding counts terminal cells, and leaves what is too wide as it is."""
    padded = [pad("a", 3, right=True), pad("a", 3, right=False), pad("日", 3, right=True), pad("abc", 2, right=True)]

    assert padded == ["  a", "a  ", " 日", "abc"]
