"""Where a store may lie: on a local disk only."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tokenaudit.errors import StoreError

NETWORK_FILE_SYSTEMS = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ncpfs", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "lustre")
)
"""SQLite's write-ahead log needs memory shared between processes, which these do not give."""

OCTAL = re.compile(r"\\([0-7]{3})")
"""How the list of mounts writes a blank: ``\\040``."""


def refuse_network(folder: Path) -> None:
    """Raise StoreError where the folder lies on a file system that SQLite's write-ahead log is unsafe on."""
    kind = file_system(folder)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreError(
            f"the store at `{folder}` would lie on a network file system ({kind}), where its catalog is not safe",
            "put the store on a local disk (--store or TOKENAUDIT_STORE); reports can be copied from there",
        )


def file_system(folder: Path, mounts: str = "/proc/self/mounts") -> str:
    """Return the type of the file system that a folder is or would be on; "" where the platform does not say."""
    try:
        lines = Path(mounts).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    target = os.path.realpath(folder)
    fields = [line.split(" ")[1:3] for line in lines if line.count(" ") >= 2]  # noqa: PLR2004 - device, point, type
    found = [(OCTAL.sub(lambda code: chr(int(code[1], 8)), point), kind) for point, kind in fields]
    inside = [(point, kind) for point, kind in found if os.path.join(target, "").startswith(os.path.join(point, ""))]
    return max(inside, key=lambda item: len(item[0]), default=("", ""))[1]
