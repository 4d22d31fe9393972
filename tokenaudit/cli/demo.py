"""`tokenaudit demo`: the first minute."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tokenaudit.cli import options, screen
from tokenaudit.cli.report import Asked

EXAMPLES = ("tokenaudit demo", "tokenaudit demo --format json")


def command(format: options.Format = None) -> None:  # noqa: A002 - the option's own name
    """Invent a small company, ingest its files into a temporary store, and report."""
    from tokenaudit.cli.ingest import show
    from tokenaudit.demo import AS_OF, write_demo
    from tokenaudit.ingest.run import ingest
    from tokenaudit.render import render
    from tokenaudit.store.store import Store

    with tempfile.TemporaryDirectory(prefix="tokenaudit-demo-") as folder:
        files = write_demo(Path(folder))
        screen.say("An invented company, the same every time: nothing of yours is read.\n")
        screen.say(f"$ tokenaudit ingest {' '.join(path.name for path in files)}")
        show(ingest([str(path) for path in files], Path(folder) / "store"))
        screen.say("\n$ tokenaudit report --period 2026-10\n")
        settings = options.settings(Path(folder) / "store", no_config=True, as_of=AS_OF)
        with Store.open(settings.store) as store:
            document = Asked(settings, "2026-10", [], [], "effective_cost", None).document(store, people=True)
        render(document, format or "table", sys.stdout)
        screen.say("\nNow yours: tokenaudit ingest PATH, then tokenaudit report")
