"""The flow table's own layouts: what is kept of each flow and of each side while packets come."""

from __future__ import annotations

import numpy as np

from auditor.records import NO_TIME

SIDE = np.dtype(
    [
        ("packets", "u8"),
        ("bytes", "u8"),
        ("first_ns", "i8"),
        ("last_ns", "i8"),
        ("data_ns", "i8"),
        ("syn_seq", "u4"),
        ("vlan", "u4"),
        ("next_seq", "u4"),
        ("high_seq", "u4"),
        ("hole_seq", "u4"),
        ("acked_seq", "u4"),
        ("acks", "u4"),
        ("gaps", "u4"),
        ("seen", "u1"),
        ("unreachable", "u1"),
        ("track", "u1"),
    ],
    align=True,
)
"""One side of a flow: what FLOW has of it, and what its next packet is held against.

syn_seq: of its latest SYN, once `seen` says that there was one. vlan: of its first tagged packet.
next_seq ... track: what auditor.flows.loss knows of its stream.
"""

SIDE_BLANK = np.zeros(1, SIDE)
SIDE_BLANK["first_ns"] = SIDE_BLANK["data_ns"] = NO_TIME
SIDE_BLANK["last_ns"] = -NO_TIME

ENTRY = np.dtype(
    [
        ("a_hi", "u8"),
        ("a_lo", "u8"),
        ("b_hi", "u8"),
        ("b_lo", "u8"),
        ("time_ns", "i8"),
        ("first_frame", "u8"),
        ("a_port", "u4"),
        ("b_port", "u4"),
        ("capture", "u4"),
        ("tunnel_id", "u4"),
        ("packets", "u4"),
        ("transport", "u1"),
        ("ip_version", "u1"),
        ("tunnel", "u1"),
        ("closed", "u1"),
    ],
    align=True,
)
"""One flow: its endpoints, and its earliest frame (time_ns ... tunnel).

packets: as many as can still matter to a head (auditor.flows.heads), no more. closed: a FIN or
RST was seen, so that a SYN may begin a new flow.
"""

_NO_FRAME = np.iinfo(np.uint64).max
_NO_CAPTURE = np.iinfo(np.uint32).max

ENTRY_BLANK = np.zeros(1, ENTRY)
ENTRY_BLANK["time_ns"] = NO_TIME
ENTRY_BLANK["first_frame"] = _NO_FRAME
ENTRY_BLANK["capture"] = _NO_CAPTURE
