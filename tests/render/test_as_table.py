"""The table fits any terminal, cuts no figure, and is plain where nobody looks."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tokenaudit.render import render
from tokenaudit.render.as_table import Canvas, lines, plain
from tokenaudit.render.cells import grid
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.render.layout import cell_width

if TYPE_CHECKING:
    from collections.abc import Callable

MONEY = pl.Decimal(38, 18)
AMOUNT = re.compile(r"[-+]?\$[\d,]+(?:\.\d+)?")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that shows a document in a terminal of some width."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def show(document: Document, width: int, **environment: str) -> str:
        for name, value in {"COLUMNS": str(width), **environment}.items():
            monkeypatch.setenv(name, value)
        out = Terminal()
        render(document, "table", out)
        return out.getvalue()

    return show


def drawn(document: Document, width: int | None) -> list[str]:
    """Return the lines of the document at `width`."""
    return [plain(line) for line in lines(document, Canvas(width, drawing=width is not None))]


def amounts(text: str) -> set[str]:
    """Return the amounts of money in the text."""
    return set(AMOUNT.findall(text))


def test_piped_table(report: Document) -> None:
    """Into a pipe the table is plain, complete and as wide as it needs to be."""
    out = io.StringIO()
    render(report, "table", out)

    assert (
        out.getvalue()
        == """\
October 2026, UTC                          price book 2026-11-10, 4 sources, data to 31 Oct 23:58

  $182,940.17   +38 % on September ($132,561.05)      41.2 B tokens   388,120 requests   46 people

  By user                                          spend  share    change  tokens  cache  premium
  -----------------------------------------------------------------------------------------------
  alice                                       $41,203.88   23 %  +$29,870   9.1 B   91 %     98 %
  build-bot                                   $22,118.40   12 %       new   5.0 B   12 %    100 %
  maximiliana.featherstonehaugh@example.com   $18,244.12   10 %   -$1,822   4.4 B   87 %   99.7 %
  (unattributed)                              $41,259.74   23 %   -$4,741   7.9 B   66 %     30 %
  (other 38)                                  $60,114.03   33 %   +$4,954  14.8 B   86 %     61 %
  -----------------------------------------------------------------------------------------------
  total                                      $182,940.17         +$50,379  41.2 B

  By model                                         spend  share    change  tokens  cache  premium
  -----------------------------------------------------------------------------------------------
  claude-opus-5                              $150,201.00   82 %  +$62,201  22.9 B   80 %    100 %
  gpt-5.2-codex-mini-2026-08-14               $32,739.17   18 %  -$11,822  17.1 B   62 %      0 %
  my-azure-gpt5                                 unpriced                    1.2 B    0 %      0 %
  -----------------------------------------------------------------------------------------------
  total                                      $182,940.17         +$50,379  41.2 B

  Counted: billed by providers 71 %, computed from list prices 28 %, unpriced 0.4 % of tokens.
  3 rejected lines, see `tokenaudit doctor`
"""
    )


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
def test_nothing_is_wider_than_the_terminal(report: Document, width: int) -> None:
    """Every line fits."""
    assert max(cell_width(line) for line in drawn(report, width)) <= width


@pytest.mark.parametrize("width", [20, 40, 80, 100, 160])
def test_no_amount_is_ever_cut(report: Document, width: int) -> None:
    """At any width the amounts are a subset of those of the full table, and the spend is all there."""
    whole = amounts("\n".join(drawn(report, None)))
    shown = amounts("\n".join(drawn(report, width)))
    spend = {cell for section in report.sections for cell in grid(section).columns[1].rows if cell.startswith("$")}

    assert spend <= shown <= whole


def test_left_out_columns_are_named(report: Document) -> None:
    """A narrow terminal says what it does not show, a wide one has nothing to say."""
    assert "Left out at width 40: change, tokens, cache, premium" in " ".join(" ".join(drawn(report, 40)).split())
    assert not any("Left out" in line for line in drawn(report, 80))


def test_long_names_keep_both_ends(report: Document) -> None:
    """At 80 columns the longest name loses its middle and no column goes."""
    assert any(line.startswith("  maximiliana…@example.com   $18,244.12") for line in drawn(report, 80))


def test_bars_from_100_columns(report: Document) -> None:
    """Shares have bars where there is room: the largest ten cells, the others in proportion."""
    assert not any("█" in line for line in drawn(report, 99))
    assert any("33 %  ██████████ " in line for line in drawn(report, 100))
    assert any("12 %  ███▋ " in line for line in drawn(report, 100))


def test_sections_stand_in_line(report: Document) -> None:
    """Sections with the same columns share their widths."""
    headings = [line for line in drawn(report, 80) if line.startswith("  By ")]

    assert len({line.index("spend") for line in headings}) == 1


def test_colour_on_a_terminal(report: Document, terminal: Callable[..., str]) -> None:
    """A terminal gets colour; every colour stands on a word or sign."""
    shown = terminal(report, 100)

    assert "\x1b[36m" in shown
    assert re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines() == drawn(report, 100)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_when_asked(report: Document, terminal: Callable[..., str], environment: dict[str, str]) -> None:
    """NO_COLOR and dumb terminals get none."""
    assert not re.search(r"\x1b\[[\d;]*3\d", terminal(report, 80, **environment))


def test_forced_colour_keeps_the_plain_layout(report: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    """FORCE_COLOR in a pipe adds colour to the plain, unlimited table."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = io.StringIO()
    render(report, "table", out)

    assert "\x1b[" in out.getvalue()
    assert re.sub(r"\x1b\[[\d;]*m", "", out.getvalue()).splitlines() == drawn(report, None)


def test_names_do_not_steer_the_terminal() -> None:
    """Escape sequences, new lines and direction marks in a name are shown, not obeyed; markup is text."""
    frame = pl.DataFrame({"user": ["\x1b[2Jx", "a\nb", "\u202eevil", "[red]r[/red]"]})
    section = Section("By user", frame, (Shown("user", ""),))
    shown = drawn(Document(schema="s/1", rows=frame, sections=(section,)), 80)

    assert [line.strip() for line in shown if line][2:] == ["�[2Jx", "a�b", "�evil", "[red]r[/red]"]


def test_parts_add_up_to_the_total() -> None:
    """The printed parts of a column add up to its printed total, in each currency."""
    cost = [Decimal("0.335"), Decimal("0.335"), Decimal("0.33"), Decimal("1.005"), Decimal("1.005")]
    frame = pl.DataFrame(
        {"user": list("abcde"), "billing_currency": ["USD"] * 3 + ["EUR"] * 2, "cost": cost},
        schema_overrides={"cost": MONEY},
    )
    total = frame.group_by("billing_currency", maintain_order=True).agg(pl.col("cost").sum())
    column = grid(Section("By user", frame, (Shown("user", ""), Shown("cost", "spend", "money")), total=total)).columns[
        1
    ]

    assert column.rows == ["$0.34", "$0.33", "$0.33", "€1.01", "€1.00"]
    assert column.totals == ["$1.00", "€2.01"]


def test_a_total_is_in_the_currency_of_its_rows() -> None:
    """A total row that names no currency takes the only one there is."""
    frame = pl.DataFrame({"user": ["a"], "billing_currency": ["EUR"], "cost": [Decimal(1)]})
    section = Section(
        "By user", frame, (Shown("user", ""), Shown("cost", "spend", "money")), total=frame.select("cost")
    )

    assert grid(section).columns[1].totals == ["€1.00"]


def test_ratios_of_nothing_are_empty() -> None:
    """A share of nothing is not known."""
    frame = pl.DataFrame({"user": ["a", "b", "c"], "cache": [float("nan"), 0.5, None]})
    section = Section("By user", frame, (Shown("user", ""), Shown("cache", "cache", "percent")))

    assert grid(section).columns[1].rows == ["", "50 %", ""]


def test_bars_are_for_what_adds_to_the_total() -> None:
    """Small shares have a sliver, credits and nothing have no bar."""
    frame = pl.DataFrame(
        {"user": list("abcde"), "share": [Decimal(1), Decimal("0.5"), Decimal("0.001"), Decimal(-1), None]}
    )
    section = Section("By user", frame, (Shown("user", ""), Shown("share", "", "bar")))

    assert grid(section).columns[1].rows == ["██████████", "█████", "▏", "", ""]


def test_changes_tell_unknown_from_nothing() -> None:
    """Zero before is new, null before is not known."""
    frame = pl.DataFrame({"user": list("abcd"), "now": [3, 1, 0, 2], "before": [2, 0, 1, None]}).with_columns(
        pl.col("now", "before").cast(MONEY)
    )
    section = Section("", frame, (Shown("user", "user"), Shown("now", "change", "change", against="before")))

    assert grid(section).columns[1].rows == ["+50 %", "new", "gone", ""]


def test_titles_above_and_empty_sections(report: Document) -> None:
    """Columns with titles of their own leave the section's title a line above; no rows say so."""
    frame = pl.DataFrame(schema={"budget": pl.String, "verdict": pl.String})
    section = Section("Budgets", frame, (Shown("budget", "budget"), Shown("verdict", "verdict", "words")))
    shown = drawn(replace(report, heading=(), sections=(section,), footer=(), notes=()), 80)

    assert [line.strip() for line in shown if "─" not in line] == ["Budgets", "budget  verdict", "(none)"]


def test_a_name_the_stream_cannot_write_is_replaced() -> None:
    """A terminal of an old encoding gets question marks, not a crash."""
    frame = pl.DataFrame({"user": ["Zoë 日"]})
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\n")
    render(
        Document(schema="s/1", rows=frame, sections=(Section("By user", frame, (Shown("user", ""),)),)), "table", out
    )
    out.seek(0)

    assert "Zoë ?" in out.read()
