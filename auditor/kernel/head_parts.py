"""Heads copied: out of one store and into another, or closer together within one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.heads import MOST_DATAGRAMS, Store, allocate
from auditor.kernel.jit import compiled
from auditor.kernel.packing import copy_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def move_heads(
    store: Store, slots: NDArray[np.int64], at: NDArray[np.int64], data: NDArray[np.uint8]
) -> None:
    """Copy the heads of some slots to other places.

    at: shape (n, 3): where each begins from now on in data, shape (bytes,).
    """
    for i in range(slots.shape[0]):
        for place in range(MOST_DATAGRAMS):
            length = np.int64(store.length[slots[i], place])
            if length == 0:
                break
            begin, moved = store.at[slots[i], place], at[i, place]
            copy_bytes(data[moved : moved + length], store.data[begin : begin + length])


@compiled
def pack_heads(
    store: Store, wanted: NDArray[np.uint8], length: NDArray[np.int32], data: NDArray[np.uint8]
) -> None:
    """Copy the heads of the wanted slots one behind the other.

    wanted: shape (slots,). length: shape (slots, 3), is set to the bytes of each head. data: shape
    (bytes in all,).
    """
    used = 0
    for slot in range(wanted.shape[0]):
        for place in range(MOST_DATAGRAMS):
            size = np.int64(store.length[slot, place]) if wanted[slot] else 0
            at = store.at[slot, place]
            copy_bytes(data[used : used + size], store.data[at : at + size])
            length[slot, place] = size
            used += size


@compiled
def unpack_heads(
    data: NDArray[np.uint8],
    at: NDArray[np.int64],
    length: NDArray[np.int32],
    store: Store,
    slots: NDArray[np.int64],
) -> None:
    """Let heads be those of some slots, each with the room to grow that any head has.

    data: bytes. at, length: shape (n, 3), where each head lies there. slots: shape (n,). There
    must be room for twice the bytes, and 64 for each head.
    """
    for each in range(slots.shape[0]):
        for place in range(MOST_DATAGRAMS):
            size = np.int64(length[each, place])
            if size == 0:
                continue
            used = allocate(store, size)
            begin = at[each, place]
            copy_bytes(store.data[used : used + size], data[begin : begin + size])
            store.at[slots[each], place], store.length[slots[each], place] = used, size


@compiled
def gather(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    gathered: NDArray[np.uint8],
) -> None:
    """Copy stretches of bytes one behind the other; all but data and gathered have shape (n,)."""
    used = 0
    for each in range(starts.shape[0]):
        size = lengths[each]
        copy_bytes(gathered[used : used + size], data[starts[each] : starts[each] + size])
        used += size
