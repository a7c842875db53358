"""A crew of workers of a Dask cluster (extra `cluster`)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from auditor import __version__
from auditor.errors import UsageError
from auditor.parts.crew import WorkerLostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client, Future

Result = TypeVar("Result")

_PATIENCE_S = 30
"""How long a scheduler may take to answer, and then to have a worker."""


class Cluster:
    """Workers behind a scheduler; Dask sends the work of a lost one to others."""

    def __init__(self, address: str, patience_s: float = _PATIENCE_S) -> None:
        """Ask the scheduler at `address`; raise UsageError if no worker of ours is there."""
        try:
            from distributed import Client  # noqa: PLC0415 - takes a second, and is an extra
            from distributed.scheduler import KilledWorker  # noqa: PLC0415 - as above
        except ImportError:
            raise UsageError(
                "--cluster: expected Dask distributed, found none; "
                "pip install 'citrix-traffic-auditor[cluster]' brings it"
            ) from None
        # It tells of every connection that ends before it fails; what matters comes as an error.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self._killed: type[Exception] = KilledWorker
        place = f"--cluster {address}"
        try:
            self._client: Client = Client(address, timeout=patience_s, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(f"{place}: expected a scheduler, found {_line(error)}") from None
        try:
            self._client.wait_for_workers(1, timeout=patience_s)
            self._check_versions(place)
        except TimeoutError:
            self.close()
            reason = f"expected a worker within {patience_s:g} s, found none"
            raise UsageError(f"{place}: {reason}") from None
        except UsageError:
            self.close()
            raise
        self.size = max(sum(self._client.nthreads().values()), 1)

    def send(self, work: Callable[..., Result], *arguments: object) -> _Errand[Result]:
        """Let a worker call a function, which it imports by its name."""
        return _Errand(self._client.submit(work, *arguments, pure=False), self._killed)

    def close(self) -> None:
        """Take back all work, and leave."""
        self._client.close(timeout=5)

    def _check_versions(self, place: str) -> None:
        """See that workers can read as we do; those that come later are asked with every part."""
        expected = f"expected citrix-traffic-auditor {__version__} on every worker"
        try:
            found = self._client.run(_version)
        except Exception as error:  # noqa: BLE001 - whatever a worker without our package raises
            raise UsageError(f"{place}: {expected}, found {_line(error)}") from None
        for worker, version in found.items():
            if version != __version__:
                raise UsageError(f"{place}: {expected}, found {version} on {worker}")


@dataclass(frozen=True)
class _Errand(Generic[Result]):
    future: Future
    killed: type[Exception]

    def result(self) -> Result:
        try:
            result: Result = self.future.result()
        except self.killed:
            raise WorkerLostError("the workers that read it died, one after the other") from None
        except MemoryError:
            raise WorkerLostError("the worker that read it ran out of memory") from None
        return result


def _version() -> str:
    return __version__


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
