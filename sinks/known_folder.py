"""Where a file may be that is locked by several processes of one machine."""

from __future__ import annotations

import os
from pathlib import Path

from sinks.delta_table import Location

_REMOTE = ("nfs", "cifs", "smb", "fuse", "9p", "lustre", "ceph", "gpfs", "beegfs", "afs")


def folder_beside(at: Location) -> Path:
    """`lookup`, next to a table on a disk of this machine; in the user's cache folder for one on a network."""
    if at.local and not _remote(Path(at.root)):
        return Path(at.root).parent / "lookup"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay"


def _remote(folder: Path) -> bool:
    """Whether Linux says that a network file system is mounted there; False where it can't be asked."""
    try:
        mounts = [line.split(" ")[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return False
    path = folder.resolve()
    held = [(len(point), kind) for point, kind in mounts if path.is_relative_to(point.replace("\\040", " "))]
    return max(held, default=(0, ""))[1].startswith(_REMOTE)
