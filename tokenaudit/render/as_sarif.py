"""SARIF 2.1.0, as code scanning reads it: each finding points at the line that declares its budget."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenaudit.render.cells import clean
from tokenaudit.render.gate import RULES, relative

if TYPE_CHECKING:
    from tokenaudit.render.gate import Finding, Gate

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def text(gate: Gate) -> str:
    """Return the findings that are not ok as a SARIF log."""
    rules = [{"id": rule, "shortDescription": {"text": words}} for rule, words in RULES.items()]
    driver = {"name": "tokenaudit", "rules": rules}
    results = [_result(item) for item in gate.findings if item.level]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _result(item: Finding) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": _uri(item.path)}, "region": {"startLine": item.line}}
    return {
        "ruleId": item.rule,
        "ruleIndex": list(RULES).index(item.rule),
        "level": item.level,
        "message": {"text": clean(item.message)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"tokenaudit/v1": clean(item.identity)},
        "properties": dict(item.properties),
    }


def _uri(path: Path) -> str:
    """Return a path as a URI: relative where it lies below the working directory."""
    from urllib.parse import quote

    return quote(relative(path, Path.cwd()))
