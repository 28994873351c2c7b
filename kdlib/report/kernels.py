"""How the kernels of notebooks are reached, and how they end."""

from pathlib import Path

from kdlib.errors import from_extra

with from_extra("book"):
    from traitlets.config import Config


def quiet_kernels(folder: Path | str) -> Config:
    """Settings of kernels that are reached through files in ``folder``, not over the network.

    Over TCP other programs on this machine could listen, which a kernel warns of, and kernels that
    run side by side could take each other's ports. When the last cell has run the kernel is ended
    at once: there is nothing to tidy up, and an interrupted kernel may complain. The folder is for
    one kernel at a time. Its path has to be short, since that of a socket holds about a hundred
    characters.
    """
    connection = str(Path(folder) / "kernel.json")
    return Config(
        {
            "KernelManager": {"transport": "ipc", "connection_file": connection},
            "NotebookClient": {"shutdown_kernel": "immediate"},
        }
    )
