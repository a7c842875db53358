"""Traffic for hypothesis: connections whose segments are lost, repeated, late and cut."""

from __future__ import annotations

from hypothesis import strategies as st
from layers import ACK, FIN, IPV6, PSH, RST, SYN, A, B, ethernet, icmp, ipv4, ipv6, tagged, tcp, udp

OPENINGS = (
    b"\x16\x03\x01\x08\x00\x01\x00\x07\xfc" + bytes(2000),
    b"\x16\x03\x03\x02\x00\x0b\x00\x06\x00" + bytes(507) + b"\x16\x03\x03\x04\x00" + bytes(1030),
    b"GET /a HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 1200 + b"\r\n\r\n" + b"z" * 900,
    b"RPC_IN_DATA / HTTP/1.1\r\n" + b"X: y\r\n" * 900,
    b"\x05\x78\x00\x07\x81\x80\x00\x01" + bytes(1500),
    b"\x7f\x7fICA\x00" * 200,
    b"x" * 70,
)

CLIENT_PORT, SERVER_PORT = 5000, 443


@st.composite
def connection(draw: st.DrawFn) -> list[bytes]:
    """Draw a TCP connection in order: handshake or not, data both ways, an end or none."""
    port = draw(st.integers(CLIENT_PORT, CLIENT_PORT + 1))
    start = draw(st.sampled_from([0, 100, 0xFFFF_FF00]))
    tag = draw(st.sampled_from([(), (), ((0x8100, 5),), ((0x8100, 5), (0x8100, 6))]))

    def frame(from_client: bool, flags: int, sequence: int, ack: int, payload: bytes) -> bytes:
        ports = (port, SERVER_PORT) if from_client else (SERVER_PORT, port)
        ends = (A, B) if from_client else (B, A)
        numbers = sequence & 0xFFFF_FFFF, ack & 0xFFFF_FFFF
        segment = tcp(*ports, flags, payload, numbers[0], ack=numbers[1])
        packet = ipv4(segment, 6, *ends)
        return tagged(packet, *tag) if tag else ethernet(packet)

    mine, yours = start, 7000
    frames = []
    if draw(st.booleans()):
        frames += [
            frame(True, SYN, mine, 0, draw(st.sampled_from([b"", b"", b"early"]))),
            frame(False, SYN | ACK, yours, mine + 1, b""),
        ]
        mine, yours = mine + 1, yours + 1
    for from_client in draw(st.lists(st.booleans(), max_size=2)):
        rest = draw(st.sampled_from(OPENINGS))
        while rest:
            size = draw(st.integers(1, 1460)) if len(frames) < 9 else len(rest)
            if from_client:
                frames.append(frame(True, PSH | ACK, mine, yours, rest[:size]))
                mine += len(rest[:size])
                frames.append(frame(False, ACK, yours, mine, b""))
            else:
                frames.append(frame(False, PSH | ACK, yours, mine, rest[:size]))
                yours += len(rest[:size])
                frames.append(frame(True, ACK, mine, yours, b""))
            rest = rest[size:]
    end = draw(st.sampled_from([0, FIN | ACK, RST, RST | ACK]))
    return [*frames, frame(True, end, mine, yours, b"")] if end else frames


@st.composite
def traffic(draw: st.DrawFn) -> list[bytes]:
    """Draw connections, datagrams and ICMP errors between two hosts, captured poorly."""
    frames = [ethernet(ipv4(udp(9, 9), 17))]
    for _ in range(draw(st.integers(1, 3))):
        frames += draw(connection())
    for size in draw(st.lists(st.sampled_from([0, 1, 100, 1600]), max_size=5)):
        frames.append(ethernet(ipv4(udp(53, CLIENT_PORT, bytes(size)), 17)))
        frames.append(ethernet(ipv6(udp(CLIENT_PORT, 53, bytes(size)), 17), IPV6))
    frames += [
        ethernet(ipv4(icmp(3, frame[14:50], 3), 1))
        for frame in draw(st.lists(st.sampled_from(frames), max_size=2))
    ]
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(frames) - 1))
        change = draw(st.sampled_from(["lose", "repeat", "delay"]))
        frame = frames[place]
        if change != "repeat" and len(frames) > 1:
            del frames[place]
        if change != "lose":
            frames.insert(draw(st.integers(0, len(frames))), frame)
    return frames
