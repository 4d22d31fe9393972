"""The quality of sources for machines: the `sources` of `doctor --format json`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tokenaudit.reports.quality import share

if TYPE_CHECKING:
    from tokenaudit.reports.quality import Quality
    from tokenaudit.reports.rejected import Refused
    from tokenaudit.reports.retention import Deletion


def as_row(found: Quality) -> dict[str, Any]:
    """Return a quality as the JSON contract has it: shares are numbers of at most 6 decimals, times are ISO 8601."""
    sums, forks = found.held, found.forks
    rows = sums.rows if sums else 0
    return {
        "source": found.source,
        "files": found.files,
        "files_without_usage": found.empty,
        "rows": rows,
        "tokens": sums.tokens if sums else 0,
        "duplicates": found.told_again,
        "merged": found.merged,
        "rejected": sum(group.lines for group in found.refused),
        "rejected_by_reason": [_refusal(group) for group in found.refused],
        "placeholder_share": _number(share(sums.unfinished, rows)) if sums else None,
        "without_response_id_share": _number(found.nameless),
        "unpriced_requests": found.unpriced.requests,
        "unpriced_tokens": found.unpriced.tokens,
        "unpriced_share": _number(found.unpriced.share),
        "unattributed_share": _number(share(sums.nobody, rows)) if sums else None,
        "without_project_share": _number(share(sums.nowhere, rows)) if sums else None,
        "forks": forks.files if forks else None,
        "forks_without_parent": forks.without_parent if forks else None,
        "first": _text(sums.first) if sums else None,
        "newest": _text(sums.newest) if sums else None,
        "age_days": found.age,
        "days_without_data": sum(gap.days for gap in found.gaps),
        "weekdays_without_data": sum(gap.weekdays for gap in found.gaps),
        "gaps": [{**gap._asdict(), "first": str(gap.first), "last": str(gap.last)} for gap in found.gaps],
        "retention": _retention(found.deletion) if found.deletion else None,
    }


def _refusal(group: Refused) -> dict[str, Any]:
    path, line, _, reason = group.example
    example = {"path": path, "line": line, "reason": reason}
    return {"reason": group.reason, "lines": group.lines, "files": group.files, "example": example}


def _retention(found: Deletion) -> dict[str, Any]:
    return {
        "days": found.days,
        "settings": list(found.settings),
        "folders": list(found.folders),
        "files": found.files,
        "unread": found.unread,
        "deleted_soon": found.soon,
        "first_deletion": str(found.first) if found.first else None,
        "examples": list(found.examples),
    }


def _number(ratio: Decimal | None) -> float | None:
    return None if ratio is None else round(float(ratio), 6)


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
