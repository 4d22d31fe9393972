"""Why spend changed: each part by hand, and their sum."""

from __future__ import annotations

import polars as pl
import pytest

from tokenaudit.analysis.drivers import change, movers
from tokenaudit.schema import TOKEN_CLASSES


def cube(*rows: tuple[str, int, int, float]) -> pl.DataFrame:
    """Return sums of models: name, uncached and cached input, cost."""
    zero = dict.fromkeys(TOKEN_CLASSES, 0)
    return pl.DataFrame(
        [
            {**zero, "model": model, "uncached_input_tokens": fresh, "cache_read_input_tokens": cached, "cost": cost}
            for model, fresh, cached, cost in rows
        ]
    )


def test_more_use_of_the_same() -> None:
    """Twice the tokens at the same price: all of it is volume."""
    found = change(cube(("a", 100, 0, 10.0)), cube(("a", 200, 0, 20.0)), "cost")

    assert found == pytest.approx((10, 20, 10, 0, 0, 0))


def test_dearer_models_cache_and_prices() -> None:
    """The same tokens: of a dearer model, without the cache, at twice the price."""
    models = change(cube(("a", 100, 0, 10.0)), cube(("b", 100, 0, 30.0)), "cost")
    cache = change(cube(("a", 0, 100, 1.0)), cube(("a", 100, 0, 10.0)), "cost")
    prices = change(cube(("a", 100, 0, 10.0)), cube(("a", 100, 0, 20.0)), "cost")

    assert models == pytest.approx((10, 30, 0, 20, 0, 0))
    assert cache == pytest.approx((1, 10, 0, 0, 9, 0))
    assert prices == pytest.approx((10, 20, 0, 0, 0, 10))


def test_parts_add_up_and_longer_spans_are_scaled() -> None:
    """Whatever changed, the parts are the difference; four weeks count a quarter beside one."""
    before, now = cube(("a", 400, 40, 40.0), ("b", 8, 0, 4.0)), cube(("a", 50, 90, 9.0), ("c", 5, 5, 3.0))
    found = change(before, now, "cost", 0.25)

    assert found.before == pytest.approx(11)
    assert sum(found[2:]) == pytest.approx(found.now - found.before)


def test_nothing_before_is_volume() -> None:
    """What begins from nothing is more use."""
    now = cube(("a", 1, 0, 2.0))

    assert change(now.clear(), now, "cost")[2:] == pytest.approx((2, 0, 0, 0))


def test_movers_by_size() -> None:
    """The largest change comes first, up or down."""
    found = movers(cube(("a", 1, 0, 9.0), ("b", 1, 0, 2.0)), cube(("b", 1, 0, 4.0)), "model", "cost")

    assert found.rows() == [("a", -9.0), ("b", 2.0)]
