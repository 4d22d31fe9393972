"""JUnit XML, as Jenkins and GitLab read it: a suite for each budget, a case for each limit.

Over is a failure, what cannot be judged an error; a warning passes and says so on its standard output.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from tokenaudit.render.cells import clean

if TYPE_CHECKING:
    from tokenaudit.render.gate import Finding, Gate

IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may hold."""
OUTCOMES = {"over": "failure", "unjudged": "error"}


def text(gate: Gate) -> str:
    """Return the findings as a JUnit report."""
    found = sorted(gate.findings, key=attrgetter("group"))
    root = ET.Element("testsuites", {"name": "tokenaudit check", **_counts(found)})
    for group, items in groupby(found, key=attrgetter("group")):
        _suite(root, group, list(items))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _counts(found: Sequence[Finding]) -> dict[str, str]:
    verdicts = [item.verdict for item in found]
    return {
        "tests": str(len(found)),
        "failures": str(verdicts.count("over")),
        "errors": str(verdicts.count("unjudged")),
    }


def _suite(root: ET.Element, group: str, items: Sequence[Finding]) -> None:
    suite = ET.SubElement(root, "testsuite", {"name": _text(group), **_counts(items)})
    properties = ET.SubElement(suite, "properties")
    for item in items:
        for key, value in item.properties.items():
            ET.SubElement(properties, "property", name=_text(f"{item.name}: {key}"), value=_text(value))
    for item in items:
        _case(suite, item)


def _case(suite: ET.Element, item: Finding) -> None:
    case = ET.SubElement(suite, "testcase", classname=_text(f"tokenaudit.{item.group}"), name=_text(item.name))
    if item.verdict in OUTCOMES:
        bad = ET.SubElement(case, OUTCOMES[item.verdict], message=_text(item.message), type=item.rule)
        bad.text = _text(f"{item.path.name}:{item.line}: {item.message}")
    elif item.verdict == "warn":
        ET.SubElement(case, "system-out").text = _text(f"warning: {item.message}")


def _text(value: str) -> str:
    return IMPOSSIBLE.sub("\ufffd", clean(value))
