"""Two sides of one proxied session, by control blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from layers import batch

from auditor.flows.links import NO_FLOW, Links
from auditor.records import FLOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def noted(*told: tuple[int, int, int], capture: int = 0, links: Links | None = None) -> Links:
    """Note frames of (flow, block, linked block), in turn from either side."""
    frames = batch([b""] * len(told))
    frames = replace(
        frames,
        capture=np.full(len(told), capture, np.int32),
        linked=np.array([pair for _, *pair in told], np.int64).reshape(-1, 2),
    )
    slots = np.array([2 * flow + row % 2 for row, (flow, _, _) in enumerate(told)], np.int64)
    links = links or Links()
    links.note(frames, np.arange(len(told)), slots)
    return links


def sides(
    links: Links, flows: int, spans: Sequence[tuple[int, int]] | None = None
) -> list[int] | None:
    """Give the other side of each flow; all were there at the same time unless `spans` says."""
    return links.other_sides(facts(spans or [(0, 9)] * flows), np.arange(flows))


def facts(spans: Sequence[tuple[int, int]]) -> NDArray[np.void]:
    """Make records of flows whose two sides spoke at the ends of these spans."""
    made = np.zeros(len(spans), FLOW)
    for name, times in zip(("first", "last"), zip(*spans, strict=True), strict=True):
        made[f"{name}_a_ns"] = made[f"{name}_b_ns"] = times
    return made


def test_captures_that_tell_nothing_join_nothing() -> None:
    """Neither do frames without a block of their own, in which something else stands."""
    assert sides(Links(), 2) is None
    assert sides(noted((0, 0, 77), (1, 77, 0)), 2) == [NO_FLOW, NO_FLOW]


def test_a_link_from_either_side_joins_both() -> None:
    """A NetScaler may tell of it in the frames of one side alone."""
    assert sides(noted((0, 5, 6), (1, 6, 0), (2, 7, 0)), 3) == [1, 0, NO_FLOW]
    assert sides(noted((0, 5, 6), (1, 6, 5)), 2) == [1, 0]


def test_of_several_sides_the_one_with_most_frames_counts() -> None:
    """One connection of a client may be served by several to servers, one after the other."""
    links = noted((0, 5, 0), (1, 6, 5), (2, 7, 5), (2, 7, 5))

    assert sides(links, 3) == [2, 0, 0]


def test_a_number_that_is_used_again_joins_only_what_was_there() -> None:
    """The first and the third flow had the same block, one after the other."""
    links = noted((0, 5, 0), (0, 5, 0), (1, 6, 5), (2, 5, 0))

    assert sides(links, 3, [(0, 2), (5, 9), (5, 8)]) == [NO_FLOW, 2, 1]


def test_a_stray_frame_with_the_block_of_another_connection_is_outvoted() -> None:
    """It happens where a connection is refused or just begins."""
    links = noted((0, 5, 6), (1, 6, 0), (1, 6, 0), (2, 6, 0))

    assert sides(links, 3) == [1, 0, NO_FLOW]


def test_blocks_of_two_captures_have_nothing_to_do_with_each_other() -> None:
    """They are numbers of two appliances."""
    links = noted((1, 6, 0), capture=1, links=noted((0, 5, 6)))

    assert sides(links, 2) == [NO_FLOW, NO_FLOW]


def test_a_number_that_nearly_all_have_tells_nothing() -> None:
    """Nobody's time goes into comparing all with all."""
    crowd = [(flow, 6, 0) for flow in range(1, 300)]

    assert sides(noted((0, 5, 6), *crowd), 300) == [NO_FLOW] * 300


def test_flows_that_were_sorted_or_left_out_are_found() -> None:
    """Places are those of the order that is asked for."""
    links = noted((0, 5, 6), (3, 6, 0), (4, 8, 9), (5, 9, 0))
    found = links.other_sides(facts([(0, 9)] * 6), np.array([3, 1, 0]))

    assert found == [2, NO_FLOW, 0]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(0, 4)), max_size=40))
def test_no_flow_is_its_own_side(told: list[tuple[int, int, int]]) -> None:
    """Whatever a trace says; and who is another's side has one itself."""
    found = sides(noted(*told), 6) or [NO_FLOW] * 6

    for place, other in enumerate(found):
        assert other != place
        assert other == NO_FLOW or found[other] != NO_FLOW
