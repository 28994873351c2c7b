"""How notebooks talk to their kernels, and how the kernels end."""

from pathlib import Path

from kdlib.errors import from_extra

with from_extra("book"):
    from traitlets.config import Config


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
