"""Where the money for LLM tokens went: exact spend by user, model and project, from the exports and logs you hold.

import tokenaudit

with tokenaudit.open_store("spend-store") as store:
    october = store.charges("2026-10").collect()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from tokenaudit.api import OpenStore

__all__ = ["open_store"]


def open_store(
    path: str | Path | None = None,
    *,
    config: str | Path | None = None,
    timezone: str | None = None,
    as_of: date | None = None,
) -> OpenStore:
    """Open a store for queries: the one in `path`, else TOKENAUDIT_STORE, else that of the configuration, else yours.

    `timezone` is the IANA zone of days and months (default: the configuration's, else UTC), `as_of` what "now" is for
    relative periods (default: today). Raises StoreError where there is no store, ConfigError, PeriodError.
    """
    from tokenaudit.api import OpenStore

    return OpenStore.open(path, config=config, timezone=timezone, as_of=as_of)
