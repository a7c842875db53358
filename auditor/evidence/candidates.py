"""Signatures laid out as arrays, and the first of them that each of many payloads fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.compiled_checks import compiled_checks, compiled_series
from auditor.evidence.many import sealed
from auditor.flows.headlist import MOST_HEADS
from auditor.kernel import signatures as kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from auditor.evidence.signature_model import Check, SeriesCheck, Signature
    from auditor.flows.headlist import HeadList

_WIDEST_FIELD = 4
_LARGEST = 1 << 30
_MOST_REMEMBERED = 4096
_WORTH_COMPILED = 500
"""Series for which it pays to load one more kernel, or even to compile it."""


class Candidates:
    """Some signatures in an order, of which the first that fits counts.

    A payload meets those that share its first byte: a kernel holds what is constant in them, and
    the checks of the commonest protocols, against it; other checks are asked payload by payload.
    """

    def __init__(self, signatures: Sequence[Signature]) -> None:
        """Lay the signatures out; their places in the sequence are what `first` answers."""
        self._loaded: set[SeriesCheck] = set()
        self._signatures = signatures
        self._constants = bytearray()
        self._patterns: list[tuple[int, int, int]] = []
        self._compiled: list[int] = []
        rows = [self._row(each) for each in signatures]
        self._table = np.array(rows, np.int32).reshape(-1, kernel.SIGNATURE_COLUMNS)
        self._more = np.array([_needs_more(each) for each in signatures], bool)
        """By signature: whether Python has something to ask once the kernel has met it."""
        columns: list[list[int]] = [[] for _ in range(256)]
        for number, signature in enumerate(signatures):
            for byte in signature.first_bytes:
                columns[byte].append(number)
        self._columns = np.full((256, max(map(len, columns), default=0)), -1, np.int16)
        for byte, column in enumerate(columns):
            self._columns[byte, : len(column)] = column

    def first(self, heads: HeadList, below: NDArray[np.int16]) -> NDArray[np.int16]:
        """Give the number of the first signature that any head of each item fits, -1 for none.

        below: (n,), from which number on none counts.
        """
        best = below.copy()
        for place in range(MOST_HEADS):
            self._improve(heads, place, best)
        best[best == below] = -1
        return best

    def first_in_order(self, heads: HeadList) -> NDArray[np.int16]:
        """Give the same of the first head that fits any signature."""
        found = np.full(len(heads), -1, np.int16)
        for place in range(MOST_HEADS):
            open_ = np.flatnonzero(found < 0)
            best = np.full(len(open_), len(self._signatures), np.int16)
            self._improve(heads.select(open_), place, best)
            found[open_] = np.where(best < len(self._signatures), best, -1)
        return found

    def _improve(self, heads: HeadList, place: int, best: NDArray[np.int16]) -> None:
        """Set `best`, (n,), to what the heads at `place` fit, where that is a smaller number."""
        rows = np.flatnonzero(heads.length[:, place])
        starts = heads.start[rows, place]
        spans = np.stack([starts, starts + heads.length[rows, place]], axis=1)
        data, step = sealed(heads.data), np.zeros(len(rows), np.int16)
        patterns = np.array(self._patterns, np.int32).reshape(-1, kernel.PATTERN_COLUMNS)
        constants = np.frombuffer(bytes(self._constants), np.uint8)
        checks = np.array(self._compiled, np.int32)
        while len(rows):
            met = best[rows]
            kernel.next_candidates(
                data, spans, step, met, self._columns, self._table, patterns, constants, checks
            )
            left = met >= 0
            left[left] = self._more[met[left]]
            sure = (met >= 0) & ~left
            best[rows[sure]] = met[sure]
            rows, spans, step, met = rows[left], spans[left], step[left], met[left]
            fits = self._checked(heads, place, rows, spans, met)
            best[rows[fits]] = met[fits]
            rows, spans, step = rows[~fits], spans[~fits], step[~fits]

    def _checked(
        self,
        heads: HeadList,
        place: int,
        rows: NDArray[np.int64],
        spans: NDArray[np.int64],
        met: NDArray[np.int16],
    ) -> NDArray[np.bool_]:
        """Ask the checks of the signatures that the payloads have met."""
        fits = np.ones(len(rows), bool)
        # Of 16 bits this counts, and compares nothing.
        order = np.argsort(met, kind="stable")
        ends = np.cumsum(np.bincount(met))
        begin = 0
        for number, end in enumerate(ends.tolist()):
            those, begin = order[begin:end], end
            if not len(those):
                continue
            signature = self._signatures[number]
            if _is_exotic(signature):
                for one in those.tolist():
                    fits[one] = signature.fits(heads[int(rows[one])], place)
                continue
            for check in _uncompiled(signature):
                fits[those] = self._answers(check, sealed(heads.data), spans[those])
                those = those[fits[those]]
            for series in signature.series_checks:
                fits[those] = self._answers_of_series(series, heads.select(rows[those]), place)
                those = those[fits[those]]
        return fits

    def _answers(
        self, check: Check, data: NDArray[np.uint8], spans: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Ask one check of many payloads; a payload that came before is not asked again."""
        fits = np.zeros(len(spans), bool)
        known: dict[bytes, bool] = {}
        for row, (start, end) in enumerate(spans.tolist()):
            payload = data[start:end].tobytes()
            if payload not in known:
                if len(known) == _MOST_REMEMBERED:
                    known.clear()
                known[payload] = check(payload)
            fits[row] = known[payload]
        return fits

    def _answers_of_series(
        self, check: SeriesCheck, heads: HeadList, place: int
    ) -> NDArray[np.bool_]:
        """Ask a check of what each of many sent from the head at `place` on."""
        fits = np.zeros(len(heads), bool)
        compiled = compiled_series().get(check)
        if compiled is not None and (check in self._loaded or len(heads) >= _WORTH_COMPILED):
            self._loaded.add(check)
            start, length = heads.start[:, place:], heads.length[:, place:]
            compiled(sealed(heads.data), start.copy(), length.copy(), fits)
            return fits
        fits[:] = [check(each[place:]) for each in heads]
        return fits

    def _row(self, signature: Signature) -> NDArray[np.int32]:
        """Lay one signature out as auditor.kernel.signatures has it."""
        row = np.zeros(kernel.SIGNATURE_COLUMNS, np.int32)
        row[kernel.FIRST_PATTERN] = len(self._patterns)
        for pattern in signature.patterns:
            place = self._keep(pattern.value + pattern.mask)
            self._patterns.append((min(pattern.offset, _LARGEST), place, len(pattern.value)))
        row[kernel.END_PATTERN] = len(self._patterns)
        row[kernel.MINIMUM_LEN] = min(signature.minimum_len, _LARGEST)
        text = signature.contains
        row[kernel.TEXT], row[kernel.TEXT_LEN] = self._keep(text + _jumps(text)), len(text)
        row[kernel.FIRST_LINE] = signature.first_line
        field = signature.length
        if field is not None and not _is_exotic(signature):
            row[kernel.FIELD_OFFSET] = min(field.offset, _LARGEST)
            row[kernel.FIELD_WIDTH] = field.width
            row[kernel.FIELD_PLUS] = min(field.plus, _LARGEST)
            row[kernel.FIELD_LITTLE] = field.order == "little"
            row[kernel.FIELD_EXACT] = field.exact
        row[kernel.FIRST_CHECK] = len(self._compiled)
        known = compiled_checks()
        self._compiled += [known[check] for check in signature.checks if check in known]
        row[kernel.END_CHECK] = len(self._compiled)
        return row

    def _keep(self, constant: bytes) -> int:
        place = len(self._constants)
        self._constants += constant
        return place


def _jumps(text: bytes) -> bytes:
    """Say for each byte how far a search may move on that met it where the text would end."""
    jumps = bytearray([min(len(text), 255)] * 256)
    for place, byte in enumerate(text[:-1]):
        for either in (byte, *bytes([byte]).upper()):
            jumps[either] = min(len(text) - 1 - place, 255)
    return bytes(jumps) if text else b""


def _is_exotic(signature: Signature) -> bool:
    """Tell signatures that are held against payloads as a whole, one by one."""
    return signature.length is not None and signature.length.width > _WIDEST_FIELD


def _uncompiled(signature: Signature) -> list[Check]:
    return [check for check in signature.checks if check not in compiled_checks()]


def _needs_more(signature: Signature) -> bool:
    exotic = _is_exotic(signature) or bool(signature.series_checks)
    return exotic or bool(_uncompiled(signature))
