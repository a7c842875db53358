"""A crew of processes on this machine."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from auditor.parts.crew import WorkerLostError
from auditor.parts.mailbox import Mailbox, Reply, answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

Result = TypeVar("Result")


class Processes:
    """Processes that begin as copies of this one where that is safe, else when work comes.

    When one dies, all work that is under way is lost. Whoever then waits for a piece of it has it
    done by a process of its own, so that only what kills is lost in the end.
    """

    def __init__(self, workers: int) -> None:
        """Keep so many processes."""
        self.size = workers
        self._context = _context()
        self._others = set(multiprocessing.active_children())
        self._pool = _copies(workers) or self._new_pool(workers)

    def send(self, work: Callable[..., Result], *arguments: object) -> _Errand[Result]:
        """Let a process call a function, which it imports by its name."""
        errand = _Errand(self, work, arguments)
        errand.start()
        return errand

    def close(self) -> None:
        """End all processes."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in self._children():
            process.terminate()
        for process in self._children():
            process.join()

    def submit(self, errand: _Errand[Result]) -> Future[Reply[Result]]:
        """Give work to the pool, a new one if a process has died."""
        try:
            return errand.begin(self._pool)
        except BrokenProcessPool:
            self._pool = self._new_pool(self.size)
            return errand.begin(self._pool)

    def do_alone(self, errand: _Errand[Result]) -> Reply[Result]:
        """Do work in a process of its own."""
        with self._new_pool(1) as pool:
            return errand.begin(pool).result()

    def _children(self) -> set[BaseProcess]:
        return set(multiprocessing.active_children()) - self._others

    def _new_pool(self, workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(workers, mp_context=self._context, initializer=_start)


@dataclass
class _Errand(Generic[Result]):
    crew: Processes
    work: Callable[..., Result]
    arguments: tuple[object, ...]
    _mailbox: Mailbox = field(default_factory=Mailbox, init=False)
    _future: Future[Reply[Result]] | None = field(default=None, init=False)

    def start(self) -> None:
        self._future = self.crew.submit(self)

    def begin(self, pool: ProcessPoolExecutor) -> Future[Reply[Result]]:
        return pool.submit(answer, self._mailbox.address, self.work, *self.arguments)

    def result(self) -> Result:
        with self._mailbox:
            return self._mailbox.open(self._reply())

    def _reply(self) -> Reply[Result]:
        try:
            return cast("Future[Reply[Result]]", self._future).result()
        except (BrokenProcessPool, MemoryError):
            self._future = None
        try:
            return self.crew.do_alone(self)
        except BrokenProcessPool:
            raise WorkerLostError("the process that read it died, twice") from None
        except MemoryError:
            raise WorkerLostError("the process that read it ran out of memory, twice") from None


def _copies(workers: int) -> ProcessPoolExecutor | None:
    """Copy this process while no other thread of it can hold a lock; None where one might.

    All that reads is loaded before, once for all: a copy is ready in a few milliseconds. Only on
    Linux, since libraries of macOS start threads of their own.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        return None
    import_module("auditor.parts.warm")
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), initializer=_start)
    pool.submit(_start)  # The first errand makes them all; from then on there are threads.
    return pool


def _context() -> BaseContext:
    """Choose how processes begin later on: never as copies of one that has threads."""
    methods = multiprocessing.get_all_start_methods()
    if "forkserver" not in methods:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["auditor.parts.warm"])
    return context


def _start() -> None:
    """Leave an interruption to the process that began all this, and what lives on alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # As in auditor.cli: looking for dead cycles among a compiler's objects takes a third of a
    # second each time.
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for no more work once nobody is there to send it, even if nobody said so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
