"""Which machine this is: for processes that share a folder, and for who makes a run again."""

import platform
import re
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


@cache
def processor() -> str:
    """The kind of processor, as "x86_64, AMD EPYC". Another kind may round in another way."""
    try:
        told = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:  # not Linux
        told = None
    name = told[1] if told else platform.processor()
    return f"{platform.machine()}, {name}" if name else platform.machine()
