"""What the catalog answers to a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.catalog.describe import describe_feature, describe_role, describe_rules, explain_port
from auditor.catalog.load import load_catalog
from auditor.catalog.lookup import PortQuery, nearest, parse_query, rules_on, with_role

CATALOG = load_catalog()


def explained(query: str) -> str:
    """Explain a port as one text."""
    return "\n".join(explain_port(CATALOG, parse_query(query)))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("1494", PortQuery(1494, "")),
        ("389/udp", PortQuery(389, "udp")),
        ("TCP/443", PortQuery(443, "tcp")),
        ("icmp", PortQuery(None, "icmp")),
    ],
)
def test_query(text: str, query: PortQuery) -> None:
    """A port is asked for by number, with the transport on either side or none."""
    assert parse_query(text) == query


@given(st.text(max_size=12) | st.from_regex(r"(tcp|udp|icmp)?/?[0-9]{0,6}(/(tcp|udp))?"))
def test_any_query(text: str) -> None:
    """Any text is a query that reads back the same, or is refused with a reason."""
    try:
        query = parse_query(text)
    except ValueError as error:
        reason = str(error)
        assert reason
    else:
        assert parse_query(str(query)) == query


@given(st.integers(1, 65535), st.sampled_from(["", "tcp", "udp"]))
def test_any_port_is_explained(port: int, transport: str) -> None:
    """Every port has an answer that fits 100 columns, web addresses aside."""
    lines = list(explain_port(CATALOG, PortQuery(port, transport)))

    assert lines[-1] == "Edition citrix-adc of the paper; l. = its lines."
    assert all(len(line) <= 100 or "https://" in line for line in "\n".join(lines).split("\n"))


def test_session_port() -> None:
    """Of 1494 one learns who calls whom, the lines, the secure way and what suffices instead."""
    text = explained("1494")

    assert "l.143   gateway -> vda  [gateway-ica]" in text
    assert "l.240   user-device -> vda  [workspace-ica]" in text
    assert "Possibly insecure; the secure way for the same pair: tcp/443 (l.241)." in text
    assert "One suffices: tcp/2598, udp/2598, tcp/1494, udp/1494, tcp/443." in text
    assert "Expected with the feature edt." in text


def test_port_inside_a_range() -> None:
    """Of a port inside a range one learns the range and the rule."""
    text = explained("6915")

    assert text.startswith("udp/6910-6930\n  l.281   pvs-target -> pvs  [pvs-streaming]")


def test_one_transport_of_two() -> None:
    """Asked for one transport, the answer points at the other and does not mix them."""
    text = explained("389/udp")

    assert "fas -> domain-controller" in text
    assert "[adm-ldap]" not in text
    assert "tcp/389 is another matter: l.30, l.58, l.139," in text


def test_services_with_the_same_rules_are_told_once() -> None:
    """What holds for TCP and UDP alike is said once."""
    text = explained("464")

    assert text.startswith("tcp/464, udp/464\n")
    assert text.count("[storefront-password-change]") == 1


def test_source_port_is_no_service() -> None:
    """A port that targets send from is told apart from the service on the same number."""
    text = explained("6901")

    assert text.index("[pvs-peers]") < text.index("Not a service") < text.index("6901]")


def test_unknown_port() -> None:
    """Of an undocumented port one learns what is documented nearest to it."""
    text = explained("1495/tcp")

    assert text.startswith("tcp/1495: no rule names it.\nNearest documented:\n  tcp/1494 ")
    assert "Inside wide ranges too, which prove little:\n  l.304 " in text


def test_nearest_leaves_wide_ranges_out() -> None:
    """A range that covers half the ports is near to everything and therefore to nothing."""
    services = nearest(CATALOG, PortQuery(60000, "tcp"))

    assert services
    assert str(services[0]) == "tcp/54321-54323"


def test_role_with_what_it_implies() -> None:
    """A role's rules include those of implied roles and of the wildcard, not of any host."""
    sources, destinations = with_role(CATALOG, "pvs-console")

    assert {93, 284, 285, 286, 192} <= {rule.row for rule in sources}
    assert not any("@any" in (*rule.sources, *rule.destinations) for rule in destinations)
    assert {rule.row for rule in with_role(CATALOG, "ddc")[1]} >= {142, 244}


def test_every_entry_can_be_described() -> None:
    """Every rule, role and feature is described in lines that fit, and by its own name."""
    for rule in CATALOG.rules:
        text = "\n".join(describe_rules([rule], CATALOG))
        assert f"[{rule.id}]" in text
        assert rule.source in text
    for role in CATALOG.roles.values():
        assert next(describe_role(role, CATALOG)).startswith(f"{role.id}: ")
    for feature in CATALOG.features.values():
        assert "Expected while it is on" in "\n".join(describe_feature(feature, CATALOG)).replace(
            "One of these expected", "Expected"
        )


def test_rules_on_portless() -> None:
    """ICMP is found without a port, and no port finds ICMP."""
    assert {rule.row for rule in rules_on(CATALOG, PortQuery(None, "icmp"))} >= {54, 216}
    assert not rules_on(CATALOG, PortQuery(8, ""))
