"""Workers that a batch system refused are asked for again, and the refusal is told in one line."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from distributed.core import Status

from kdlib.errors import InputError

SECONDS_TO_ASK_AGAIN = 10.0
MOST_REFUSALS = 3  # one after the other, of all workers
TELLING = ("tornado.application", "asyncio")  # the loggers that print a refusal, with a traceback
NOT_STARTED = (Status.created, Status.failed)


class _Heard(logging.Handler):
    """Keeps what the last error said, on one line."""

    said = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.said = " ".join(str(record.exc_info[1]).split())


@dataclass
class Asked:
    """The workers that a Dask cluster of this process was asked for.

    Dask takes a worker whose start failed for one that is still to come, and waits for it for good.

    Attributes:
        cluster: the Dask cluster. It replaces workers that are missing by itself.
    """

    cluster: Any
    _heard: _Heard = field(default_factory=_Heard)
    _refusals: int = 0
    _last: float = 0.0

    def again(self) -> None:
        """Forget the workers that were refused some time ago, so that Dask asks for them again.

        Raises:
            InputError: all workers were refused several times.
        """
        workers = dict(getattr(self.cluster, "workers", {}))
        refused = {name: one for name, one in workers.items() if one.status in NOT_STARTED}
        if len(refused) < len(workers):
            self._refusals = 0
        now = time.monotonic()
        if not refused or now - self._last < SECONDS_TO_ASK_AGAIN:
            return
        self._last = now
        for name, worker in refused.items():
            self.cluster.worker_spec.pop(name, None)
            self.cluster.workers.pop(name, None)
            self.cluster._created.discard(worker)  # it cannot be closed when the cluster ends
        self._refusals += len(refused) == len(workers)
        if self._refusals >= MOST_REFUSALS:
            raise InputError(f"no worker could be started: {self._heard.said}")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """In this block refusals are kept for ``again`` and not printed."""
        loggers = [logging.getLogger(name) for name in TELLING]
        before = [(logger.handlers, logger.propagate) for logger in loggers]
        for logger in loggers:
            logger.handlers, logger.propagate = [self._heard], False
        try:
            yield
        finally:
            for logger, (handlers, propagates) in zip(loggers, before, strict=True):
                logger.handlers, logger.propagate = handlers, propagates
