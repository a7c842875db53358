"""What makes two packets one conversation: the canonical pair of endpoints and the transport."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.decode.packets import Quote

KEY = np.dtype(
    [
        ("a_hi", "u8"),
        ("a_lo", "u8"),
        ("b_hi", "u8"),
        ("b_lo", "u8"),
        ("a_port", "u4"),
        ("b_port", "u4"),
        ("transport", "u1"),
    ]
)
"""Fields as in auditor.records.FLOW; a key is one such record's bytes. VLAN and tunnel are not in
it: a mirror port shows one conversation on several."""

_KEY_BYTES = Struct("=4Q2IB")


def canonical_keys(rows: NDArray[np.void]) -> tuple[list[bytes], NDArray[np.bool_]]:
    """Give each PACKET row's key, and whether its sender is endpoint b."""
    src_hi, src_lo, src_port = rows["src_hi"], rows["src_lo"], rows["src_port"]
    dst_hi, dst_lo, dst_port = rows["dst_hi"], rows["dst_lo"], rows["dst_port"]
    from_b = (src_lo > dst_lo) | ((src_lo == dst_lo) & (src_port > dst_port))
    from_b = (src_hi > dst_hi) | ((src_hi == dst_hi) & from_b)
    keys = np.empty(len(rows), KEY)
    for name, source, destination in (
        ("hi", src_hi, dst_hi),
        ("lo", src_lo, dst_lo),
        ("port", src_port, dst_port),
    ):
        keys[f"a_{name}"] = np.where(from_b, destination, source)
        keys[f"b_{name}"] = np.where(from_b, source, destination)
    keys["transport"] = rows["transport"]
    return keys.view(f"V{KEY.itemsize}").tolist(), from_b


def quote_key(quote: Quote) -> tuple[bytes, bool]:
    """Give the key of the packet that an ICMP error quotes, and whether b had sent it."""
    source = quote.src_hi, quote.src_lo, quote.src_port
    destination = quote.dst_hi, quote.dst_lo, quote.dst_port
    from_b = source > destination
    a, b = (destination, source) if from_b else (source, destination)
    return _KEY_BYTES.pack(*a[:2], *b[:2], a[2], b[2], quote.transport), from_b


def unpack_keys(keys: list[bytes]) -> NDArray[np.void]:
    """Lay keys side by side as a (n,) array of KEY."""
    return np.frombuffer(b"".join(keys), dtype=KEY)
