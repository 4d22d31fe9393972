"""``python -m tokenaudit`` is the command ``tokenaudit``."""

from __future__ import annotations

from tokenaudit.cli.main import main

if __name__ == "__main__":
    main()
