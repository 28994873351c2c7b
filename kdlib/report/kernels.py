"""How the kernels of notebooks are reached: by files, not over the network."""

from pathlib import Path

from kdlib.errors import from_extra

with from_extra("book"):
    from traitlets.config import Config


def by_files(folder: Path | str) -> Config:
    """Settings of a kernel that is reached through sockets in ``folder``, which is its alone.

    Over TCP another program on this machine could listen, which the kernel warns of, and kernels
    that run side by side could take each other's ports. The folder's path has to be short: a
    socket's path may have about a hundred characters.
    """
    connection = str(Path(folder) / "kernel.json")
    return Config({"KernelManager": {"transport": "ipc", "connection_file": connection}})
