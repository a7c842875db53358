"""The headers of frames and records as declared layouts, field for field as on the wire."""

from __future__ import annotations

import numpy as np

_ETHERNET_IP = [
    ("mac_to", "V6"),
    ("mac_from", "V6"),
    ("ethertype", ">u2"),
    ("version", "u1"),
    ("service", "u1"),
    ("total_len", ">u2"),
    ("identification", ">u2"),
    ("fragment", ">u2"),
    ("ttl", "u1"),
    ("protocol", "u1"),
    ("checksum", ">u2"),
    ("source", ">u4"),
    ("destination", ">u4"),
    ("source_port", ">u2"),
    ("destination_port", ">u2"),
]

TCP_FRAME = np.dtype(
    [
        *_ETHERNET_IP,
        ("sequence", ">u4"),
        ("acknowledgement", ">u4"),
        ("offset", "u1"),
        ("flags", "u1"),
        ("window", ">u2"),
        ("tcp_checksum", ">u2"),
        ("urgent", ">u2"),
    ]
)
"""Ethernet, IPv4 and TCP without options: 54 bytes. The TCP checksum is left out, as a sender
whose network card computes it shows its own frames."""

UDP_FRAME = np.dtype([*_ETHERNET_IP, ("udp_len", ">u2"), ("udp_checksum", ">u2")])
"""Ethernet, IPv4 and UDP: 42 bytes; no checksum, as UDP over IPv4 allows."""

SYN_OPTIONS = bytes.fromhex("020405b4 01 030308 01 01 0402")
MINIMUM_FRAME = 60

PCAP_RECORD = np.dtype(
    [("seconds", "<u4"), ("microseconds", "<u4"), ("captured", "<u4"), ("wire", "<u4")]
)
PCAPNG_PACKET = np.dtype(
    [
        ("kind", "<u4"),
        ("size", "<u4"),
        ("interface", "<u4"),
        ("time_high", "<u4"),
        ("time_low", "<u4"),
        ("captured", "<u4"),
        ("wire", "<u4"),
    ]
)
PCAPNG_TAIL = np.dtype("<u4")
