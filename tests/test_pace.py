"""auditor.pace: what the stages of a pipeline are run with."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from auditor.pace import Stopwatch, uncollected

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _enabled() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("wanted", [True, False])
def test_garbage_is_looked_for_again_if_it_was_before(wanted: bool) -> None:
    """Also where a stage fails."""
    (gc.enable if wanted else gc.disable)()

    @uncollected()
    def fail() -> None:
        assert not gc.isenabled()
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert gc.isenabled() == wanted


def test_each_stage_is_timed_from_the_end_of_the_one_before() -> None:
    """Stages stay in their order, and none is counted twice."""
    watch = Stopwatch()
    began = watch._last
    watch.lap("read")
    watch.lap("judge")
    assert list(watch.stage_s) == ["read", "judge"]
    assert sum(watch.stage_s.values()) == pytest.approx(watch._last - began)
