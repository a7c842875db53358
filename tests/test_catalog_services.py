"""Services as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.catalog.model import Service
from auditor.catalog.services import parse_ports, parse_service

ports = st.integers(1, 65535)


@given(ports, ports)
def test_range_round_trip(one: int, other: int) -> None:
    """Every range that a service can hold reads back as it was written."""
    low, high = sorted((one, other))
    service = Service("udp", low, high)

    assert parse_service(str(service)) == service
    assert parse_ports(service.ports()) == (low, high)


@given(ports, ports)
def test_backward_range(one: int, other: int) -> None:
    """A range is refused exactly where its end lies before its beginning."""
    if one <= other:
        assert parse_ports(f"{one}-{other}") == (one, other)
    else:
        with pytest.raises(ValueError, match="runs backwards"):
            parse_ports(f"{one}-{other}")


@given(st.integers(65536, 10**30) | st.just(0))
def test_impossible_port(number: int) -> None:
    """A number that is no port is refused, alone and in a range."""
    for text in (str(number), f"{number}-{number}", f"1-{number}"):
        with pytest.raises(ValueError, match="between 1 and 65535"):
            parse_ports(text)


@given(st.text(max_size=20))
def test_any_text(text: str) -> None:
    """Any text is either a service, which reads back, or refused with a reason in one line."""
    try:
        service = parse_service(text)
    except ValueError as error:
        lines = str(error).splitlines()
    else:
        lines = [str(service)]
        assert parse_service(lines[0]) == service

    assert len(lines) == 1


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("tcp/443", Service("tcp", 443, 443)),
        (" UDP/6910-6930 ", Service("udp", 6910, 6930)),
        ("icmp", Service("icmp", None, None)),
        ("esp", Service("esp", None, None)),
        ("tcp", Service("tcp", None, None)),
    ],
)
def test_service(text: str, service: Service) -> None:
    """A service is a transport, a slash, and a port or range where the transport has ports."""
    assert parse_service(text) == service


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("443", "expected a service"),
        ("tpc/443", "expected a service"),
        ("tcp/", "expected a port or a range"),
        ("tcp/80,443", "expected a port or a range"),
        ("tcp/80..90", "expected a port or a range"),
        ("tcp/-1", "expected a port or a range"),
        ("tcp/\u0664", "expected a port or a range"),
        ("icmp/8", "icmp has no ports"),
        ("", "expected a service"),
    ],
)
def test_mistake(text: str, reason: str) -> None:
    """What is no service is refused with what was expected."""
    with pytest.raises(ValueError, match=reason):
        parse_service(text)
