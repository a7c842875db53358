"""Compiled checks: each says of every payload what its twin in Python says."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from bent_heads import OPENINGS, WHOLE, bent
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.evidence.candidates import Candidates
from auditor.evidence.checks import CHECKS
from auditor.evidence.compiled_checks import compiled_checks, compiled_series
from auditor.evidence.many import sealed
from auditor.evidence.signature_model import EITHER, Signature, Strength
from auditor.flows.headlist import MOST_HEADS, HeadList

if TYPE_CHECKING:
    from auditor.evidence.signature_model import Check

COMPILED = sorted(name for name, check in CHECKS.items() if check in compiled_checks())
PAYLOADS = [payload for several in WHOLE.values() for heads in several for payload in heads]


def answers(check: Check, payloads: list[bytes]) -> list[bool]:
    """Ask the compiled twin of a check, through a signature that asks for nothing else."""
    signature = Signature("s", "p", (6,), EITHER, Strength.STRONG, checks=(check,))
    heads = HeadList.of([(payload,) for payload in payloads])
    data = np.frombuffer(b"before" + heads.data.tobytes() + b"behind", np.uint8)
    there = HeadList(data, heads.start + 6, heads.length)
    found = Candidates([signature]).first(there, np.ones(len(there), np.int16))
    return [number == 0 for number in found.tolist()]


@pytest.mark.parametrize("name", COMPILED)
def test_whole_openings(name: str) -> None:
    """On openings of all protocols and their near misses; some fit, most do not."""
    expected = [bool(CHECKS[name](payload)) for payload in PAYLOADS if payload]
    assert answers(CHECKS[name], [payload for payload in PAYLOADS if payload]) == expected
    assert any(expected)
    assert not all(expected)


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_bent_openings(seed: int) -> None:
    """On openings that were changed, cut and joined: forty at a time, for every check."""
    dice = random.Random(seed)
    payloads = [bent(dice, dice.choice(PAYLOADS)) or b"\0" for _ in range(40)]
    for name in COMPILED:
        assert answers(CHECKS[name], payloads) == [bool(CHECKS[name](each)) for each in payloads]


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=120), min_size=1, max_size=20))
def test_any_bytes(payloads: list[bytes]) -> None:
    """On bytes that mean nothing, whatever lies before and behind them in memory."""
    for name in COMPILED:
        assert answers(CHECKS[name], payloads) == [bool(CHECKS[name](each)) for each in payloads]


@pytest.mark.parametrize("name", sorted(OPENINGS))
def test_openings_cut_anywhere(name: str) -> None:
    """On every beginning of every opening."""
    opening = OPENINGS[name].payload
    payload = (opening if isinstance(opening, bytes) else opening[0])[:300]
    parts = [payload[:length] for length in range(1, len(payload) + 1)]
    for check in COMPILED:
        assert answers(CHECKS[check], parts) == [bool(CHECKS[check](each)) for each in parts]


def rtp(number: int, time: int, source: int, kind: int = 0x60, more: bytes = b"") -> bytes:
    """Make an RTP packet."""
    header = b"\x80" + bytes([kind]) + number.to_bytes(2, "big") + time.to_bytes(4, "big")
    return header + source.to_bytes(4, "big") + more


FEW = st.integers(0, 3)
PACKETS = st.one_of(
    st.builds(
        rtp, FEW | st.just(0xFFFF), FEW | st.just(0xFFFF_FFFF), FEW, st.sampled_from([96, 224])
    ),
    st.binary(min_size=1, max_size=20),
)


@settings(deadline=None)
@given(st.lists(st.lists(PACKETS, max_size=MOST_HEADS), min_size=1, max_size=20))
def test_series(several: list[list[bytes]]) -> None:
    """Of several datagrams of one side each compiled check says what its twin does."""
    heads = HeadList.of([tuple(each) for each in several])
    for check, compiled in compiled_series().items():
        fits = np.zeros(len(heads), bool)
        compiled(sealed(heads.data), heads.start, heads.length, fits)
        assert fits.tolist() == [check(tuple(each)) for each in several]


def test_some_series_fit() -> None:
    """Two packets of one source that follow each other are a stream, in either tongue."""
    heads = HeadList.of([(rtp(1, 5, 7), rtp(2, 165, 7)), (rtp(1, 5, 7), rtp(2, 165, 8))])
    for check, compiled in compiled_series().items():
        fits = np.zeros(len(heads), bool)
        compiled(sealed(heads.data), heads.start, heads.length, fits)
        assert fits.tolist() == [check(each) for each in heads] == [True, False]
