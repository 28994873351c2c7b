"""How notebooks talk to their kernels, and how the kernels start and end."""

import multiprocessing
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pandas as pd

from kdlib.errors import from_extra
from kdlib.processes import START, starting_at_once, without_the_callers_script

with from_extra("book"):
    from ipykernel.kernelapp import IPKernelApp
    from jupyter_client import AsyncKernelManager
    from jupyter_client.connect import KernelConnectionInfo
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner
    from traitlets.config import Config

_starting = threading.Lock()  # notebooks may run in several threads, and start one at a time
DEBUGGER = "ipykernel.debugger"  # a kernel imports it when it starts, and takes a tenth of a second
_LAUNCHER = "ipykernel_launcher"  # the module that a kernel's command runs


def quiet_kernels(folder: Path | str) -> Config:
    """Settings for kernels that are reached through files in ``folder``, not over the network.

    Over TCP other programs on this machine could listen, and the kernel would warn of it. Also, two
    kernels could take the same port. After the last cell the kernel is ended at once, since an
    interrupted kernel may print errors. Only one kernel at a time can use the folder. Its path has
    to be short, because the path of a socket has about a hundred characters at most.
    """
    connection = str(Path(folder) / "kernel.json")
    return Config(
        {
            "KernelManager": {"transport": "ipc", "connection_file": connection},
            "NotebookClient": {"shutdown_kernel": "immediate"},
        }
    )


def imported(folder: Path) -> list[str]:
    """What of kdlib the notebooks (``*.md``) in a folder import."""
    texts = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md")))
    return sorted(set(re.findall(r"^from (kdlib[.\w]+) import", texts, re.MULTILINE)))


def copied_kernels(folder: Path | str, *modules: str) -> Config:
    """The same for many kernels that import ``modules``, which take seconds to import.

    On Linux each kernel is a copy of one process that has imported them.
    """
    config = quiet_kernels(folder)
    if START == "forkserver":
        # A kernel sets this before it imports anything that draws.
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # else the debugger warns
        starting_at_once(__name__, DEBUGGER, *modules)
        config.NotebookClient.kernel_manager_class = _CopyManager
    return config


class _CopyManager(AsyncKernelManager):
    """A manager whose kernel is a copy."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.provisioner = _Copied(kernel_spec=self.kernel_spec, parent=self)


class _Copied(LocalProvisioner):
    """Starts the kernel as a copy of a process that has imported what it needs."""

    process: Any = None

    async def launch_kernel(self, cmd: list[str], **settings: Any) -> KernelConnectionInfo:
        """Start it. Returns how it is reached."""
        if _LAUNCHER not in cmd or cmd[0] != sys.executable:  # another kind of kernel
            return await super().launch_kernel(cmd, **settings)
        words = cmd[cmd.index(_LAUNCHER) + 1 :]
        with _starting, without_the_callers_script():
            self.process = _Started(words, settings["env"], str(settings.get("cwd") or Path.cwd()))
        self.pid, self.cwd = self.process.pid, settings.get("cwd")
        return self.connection_info


class _Started:
    """A kernel's process, with what jupyter_client asks of one."""

    stdin = stdout = stderr = None

    def __init__(self, *told: Any) -> None:
        context = multiprocessing.get_context("forkserver")
        self.process = context.Process(target=_serve, args=told, daemon=True)
        self.process.start()
        self.pid = self.process.pid

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self) -> int | None:
        self.process.join()
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        if self.pid is not None and self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.process.kill()

    def terminate(self) -> None:
        self.process.terminate()


def _serve(words: list[str], env: dict[str, str], folder: str) -> None:
    """Be the kernel, until it is killed."""
    os.setsid()  # the keyboard interrupts the book, which then ends the kernel
    os.chdir(folder)
    os.environ.update(env)
    pd.set_option("display.max_columns", 20)  # as pandas chooses when a kernel imports it
    # Who started it, so that it ends with it.
    IPKernelApp.launch_instance([*words, f"--IPKernelApp.parent_handle={os.getppid()}"])
