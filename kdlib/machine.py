"""Which machine this is, for processes that share a folder."""

from functools import cache
from pathlib import Path
from uuid import getnode


def machine(folder: Path) -> str:
    """Names this machine, since its last start, and the mount that ``folder`` lies on.

    Processes for which it is the same share the locks of one kernel.
    """
    return f"{_kernel()}-{folder.stat().st_dev:x}"


@cache
def _kernel() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return f"{getnode():x}"
