"""auditor.outlets.delivery, health and worker: sending in order, and surviving what goes wrong."""

from __future__ import annotations

import threading

import pytest
from monitoring import Clock, Receiver, until

from auditor.outlets.delivery import Backoff, Delivery, RejectedError, UnreachableError
from auditor.outlets.health import Condition, Health
from auditor.outlets.spool import Spool
from auditor.outlets.worker import Inbox, Worker

EVEN = Backoff(first_s=1.0, most_s=300.0, chance=lambda: 1.0)
"""Without chance."""


def delivery(receiver: Receiver, said: list[str], clock: Clock) -> Delivery:
    """Make a delivery whose pauses can be foretold."""
    condition = Condition("hook", said.append)
    return Delivery(Spool(None), receiver, condition, backoff=EVEN, clock=clock)


def test_an_hour_of_refusals_loses_nothing_and_is_said_once() -> None:
    """Pauses double up to the bound; then everything arrives in order."""
    said: list[str] = []
    receiver, clock = Receiver(UnreachableError("Connection refused")), Clock()
    sending = delivery(receiver, said, clock)
    sending.put([b"a", b"b", b"c"])
    pauses_s = []
    while clock.now_s < 1000.0 + 3600.0:
        wait_s = sending.pump()
        assert wait_s is not None
        pauses_s.append(wait_s)
        clock.now_s += wait_s
    assert pauses_s[:5] == [1, 2, 4, 8, 16]
    assert max(pauses_s) == 300
    assert said == ["hook: Connection refused"]
    assert sending.health.words == "hook: Connection refused, 3 waiting"
    assert sending.health.failures == receiver.tries == len(pauses_s)
    receiver.fails_with = None
    assert sending.pump() is None
    assert receiver.got == [b"a", b"b", b"c"]
    assert said[1:] == [f"hook: working again, after {len(pauses_s)} failures"]
    assert sending.health == Health("hook", sent=3, failures=len(pauses_s))
    assert sending.health.words == "hook: working"


def test_nothing_is_tried_before_its_time() -> None:
    """A new entry does not shorten the pause, nor does it overtake."""
    receiver, clock = Receiver(OSError(113, "No route to host")), Clock()
    sending = delivery(receiver, [], clock)
    sending.put([b"a"])
    assert sending.pump() == 1.0
    clock.now_s += 0.25
    sending.put([b"b"])
    assert (sending.pump(), receiver.tries) == (0.75, 1)
    assert sending.health.problem == "No route to host"


def test_the_other_side_may_ask_for_a_longer_pause() -> None:
    """As far as the bound goes; a shorter one than ours is not granted."""
    receiver, clock = Receiver(UnreachableError("HTTP 429", 90.0)), Clock()
    sending = delivery(receiver, [], clock)
    sending.put([b"a"])
    sending.pump()
    assert sending.pump() == 90.0
    receiver.fails_with = UnreachableError("HTTP 429", 1e9)
    clock.now_s += 90.0
    sending.pump()
    assert sending.pump() == 300.0


def test_what_is_refused_for_good_does_not_hold_up_the_rest() -> None:
    """It is counted, said, and left behind."""
    said: list[str] = []
    receiver, clock = Receiver(RejectedError("HTTP 400")), Clock()
    sending = delivery(receiver, said, clock)
    sending.put([b"bad", b"good"])
    sending.pump()
    receiver.fails_with = None
    clock.now_s += 1.0
    assert sending.pump() is None
    assert receiver.got == [b"good"]
    assert sending.health.dropped == 1
    assert said == ["hook: refused for good: HTTP 400", "hook: working again, after 1 failure"]


@pytest.mark.parametrize("failures", [1, 5, 100, 10_000])
def test_pauses_are_spread_and_bounded(failures: int) -> None:
    """From half to the whole of what doubling gives, whatever chance says."""
    low, high = (
        Backoff(2.0, 60.0, chance=lambda value=value: value).delay_s(failures)  # type: ignore[misc]  # a default binds it
        for value in (0.0, 1.0)
    )
    assert 0 < low == high / 2 <= 30.0


def test_nobody_to_say_it_to_is_no_failure() -> None:
    """Standard error was closed: the change of state counts all the same."""

    def say(_: str) -> None:
        raise BrokenPipeError

    condition = Condition("hook", say)
    condition.failed("refused")
    assert (condition.problem, condition.failures) == ("refused", 1)
    condition.worked()
    assert condition.problem is None


def test_a_worker_outlives_a_bug_in_its_work() -> None:
    """The failure is counted and said; the work is done again."""
    calls: list[int] = []
    said: list[str] = []

    def work() -> float | None:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("bug")
        return None

    worker = Worker("w", work, Condition("w", said.append))
    until(lambda: bool(calls))
    worker.wake()
    until(lambda: len(calls) >= 2)
    assert worker.close(60.0)
    assert said == ["w: ZeroDivisionError: bug"]


def test_an_inbox_never_makes_its_giver_wait() -> None:
    """What finds no room is refused, counted and said; what was taken in stays in order."""
    said: list[str] = []
    got: list[int] = []
    free = threading.Event()

    def take(number: int) -> None:
        free.wait(60.0)
        if number == 2:
            raise ValueError("bad item")
        got.append(number)

    inbox = Inbox("in", take, Condition("in", said.append), room=3)
    accepted = [inbox.offer(number) for number in range(1, 6)]
    assert accepted == [True, True, True, False, False]
    assert len(inbox) == 3
    free.set()
    assert inbox.close(60.0)
    assert (got, inbox.missed) == ([1, 3], 3)
    assert said[0] == "in: too slow: 3 windows wait already"
    assert "in: ValueError: bad item" in said


def test_a_worker_that_hangs_does_not_hold_up_the_end() -> None:
    """Closing gives up after its time and says so."""
    free, entered = threading.Event(), threading.Event()

    def work() -> float | None:
        entered.set()
        free.wait(60.0)
        return None

    worker = Worker("w", work)
    entered.wait(60.0)
    assert not worker.close(0.01)
    free.set()
    assert worker.close(60.0)
