"""Signatures held against many payloads at once: their constant bytes, lengths and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.checks import answer
from auditor.kernel.jit import compiled, part

if TYPE_CHECKING:
    from numpy.typing import NDArray


MINIMUM_LEN, FIRST_PATTERN, END_PATTERN, TEXT, TEXT_LEN, FIRST_LINE = 0, 1, 2, 3, 4, 5
FIELD_OFFSET, FIELD_WIDTH, FIELD_PLUS, FIELD_LITTLE, FIELD_EXACT = 6, 7, 8, 9, 10
FIRST_CHECK, END_CHECK = 11, 12
SIGNATURE_COLUMNS = 13
"""What stands in a row for a signature: the fewest bytes; the rows of its patterns, of which one
must fit if there are any; a text by its place in the constants (0 long = none), with the jumps of a
search behind it, and whether it must stand in the first line; a length field (0 wide = none), bytes
that it does not count, and whether it is little-endian and must be exact; the places of its
checks, all of which must hold."""

OFFSET, VALUE, LENGTH = 0, 1, 2
PATTERN_COLUMNS = 3
"""What stands in a row for a pattern: its place in the payload, its place in the constants, where
the mask follows the value, and how long both are."""


@compiled
def next_candidates(
    data: NDArray[np.uint8],
    spans: NDArray[np.int64],
    place: NDArray[np.int16],
    met: NDArray[np.int16],
    columns: NDArray[np.int16],
    signatures: NDArray[np.int32],
    patterns: NDArray[np.int32],
    constants: NDArray[np.uint8],
    checks: NDArray[np.int32],
) -> None:
    """Go on to the next signature that each payload fits, as far as compiled code can tell.

    data: (bytes,), of all payloads. spans: (n, 2), start and end of each payload in data, none
    empty. place: (n,), where to go on in the payload's column; set behind what is met. met: (n,),
    the number from which on no signature counts; set to the one met, -1 = none is left. columns:
    (256, longest), numbers of signatures by the first byte, ascending, -1 behind the last.
    signatures: (m, SIGNATURE_COLUMNS), by number. patterns: (p, PATTERN_COLUMNS). constants:
    (bytes,), to which both point. checks: (c,), numbers of checks, signature by signature.
    """
    for row in range(len(spans)):
        start, end = spans[row, 0], spans[row, 1]
        first_byte = data[start]
        bound, step = met[row], np.int64(place[row])
        found = -1
        while step < columns.shape[1] and found < 0:
            number = columns[first_byte, step]
            if number < 0 or number >= bound:
                break
            step += 1
            first, last = signatures[number, FIRST_PATTERN], signatures[number, END_PATTERN]
            fits = first == last
            for each in range(first, last):
                at = start + patterns[each, OFFSET]
                length, value = patterns[each, LENGTH], patterns[each, VALUE]
                fits = at + length <= end
                for byte in range(length if fits else 0):
                    mask = constants[value + length + byte]
                    if data[at + byte] & mask != constants[value + byte]:
                        fits = False
                        break
                if fits:
                    break
            if (
                fits
                and end - start >= signatures[number, MINIMUM_LEN]
                and (
                    signatures[number, FIELD_WIDTH] == 0
                    or _fits_length(data, start, end, signatures[number])
                )
                and (
                    signatures[number, TEXT_LEN] == 0
                    or _holds_text(data, start, end, signatures[number], constants)
                )
            ):
                found = number
                for each in range(signatures[number, FIRST_CHECK], signatures[number, END_CHECK]):
                    if not answer(checks[each], data, start, end):
                        found = -1
                        break
        place[row] = step
        met[row] = found


@part
def _fits_length(
    data: NDArray[np.uint8], start: int, end: int, signature: NDArray[np.int32]
) -> bool:
    """Hold the length field against what there is."""
    width = np.int64(signature[FIELD_WIDTH])
    place = start + np.int64(signature[FIELD_OFFSET])
    if place + width > end:
        return False
    length = np.int64(0)
    for number in range(width):
        at = place + (width - 1 - number if signature[FIELD_LITTLE] else number)
        length = length << 8 | np.int64(data[at])
    length += np.int64(signature[FIELD_PLUS])
    return length == end - start if signature[FIELD_EXACT] else length <= end - start


@part
def _holds_text(
    data: NDArray[np.uint8],
    start: int,
    end: int,
    signature: NDArray[np.int32],
    constants: NDArray[np.uint8],
) -> bool:
    """Look for a text in lower case, whatever case the payload has (Horspool's search)."""
    text, length = np.int64(signature[TEXT]), np.int64(signature[TEXT_LEN])
    if signature[FIRST_LINE]:
        stop = start
        while stop < end and data[stop] != 10:
            stop += 1
        end = stop
    last = start + length - 1
    while last < end:
        step = 0
        while step < length:
            byte = np.int64(data[last - step])
            if 65 <= byte <= 90:
                byte += 32
            if byte != constants[text + length - 1 - step]:
                break
            step += 1
        if step == length:
            return True
        last += np.int64(constants[text + length + np.int64(data[last])])
    return False
