"""A SLURM of one node, with room for one job, in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
HOW_TO_GET_IT = "needs SLURM and root: as root, apt-get install slurm-wlm munge"
CONFIG = """
ClusterName=tests
SlurmUser=root
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=2
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs=1 RealMemory=4000
PartitionName=all Nodes=node Default=YES State=UP MaxTime=INFINITE
"""


def absent() -> bool:
    """Whether no SLURM can be started here."""
    # Debian's daemons lie in /usr/sbin, which a user's PATH may lack; root's has it.
    return os.geteuid() != 0 or not all(map(shutil.which, PROGRAMS))


@contextmanager
def running_slurm(folder: Path) -> Iterator[None]:
    """Start it; what is started in this block with the ``SLURM_CONF`` of ``folder`` finds it."""
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    text = CONFIG.format(folder=folder, host=host, ports=_free_ports(2))
    (folder / "slurm.conf").write_text(text)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    paths = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    with ExitStack() as daemons:
        daemons.callback(_end_all_that_write, folder / "slurmd.log")  # a job's daemon may be left
        start = daemons.enter_context
        start(
            _daemon("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *paths)
        )
        _wait(lambda: (folder / "munge.socket").exists(), "munged")
        start(_daemon("slurmctld", "-D", "-f", str(folder / "slurm.conf")))
        start(_daemon("slurmd", "-D", "-N", "node", "-f", str(folder / "slurm.conf")))
        _wait(lambda: said("sinfo", "-h", "-o", "%T") == ["idle"], "SLURM")
        try:
            yield
        finally:
            subprocess.run(["scancel", "--user=root", "--full"], check=True)
            _wait(lambda: not said("squeue", "-h"), "the end of all jobs")


def said(*command: str) -> list[str]:
    """The lines that a command of SLURM prints; none while SLURM does not answer."""
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()


@contextmanager
def _daemon(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_all_that_write(log: Path) -> None:
    for file in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # it has ended meanwhile
            if file.readlink() == log:
                os.kill(int(file.parts[2]), signal.SIGKILL)


def _wait(done: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, f"waited a minute for {what}"
        time.sleep(0.2)


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in opened:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in opened]
