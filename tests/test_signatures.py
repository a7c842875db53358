"""Protocols recognised from the first payload bytes."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import openings_citrix
import openings_network
import openings_web
import openings_windows
import payloads
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openings import Opening, changed
from payloads import noise

from auditor.evidence.checks import CHECKS
from auditor.evidence.signatures import Recognised, Signature, SignatureSet, Strength
from auditor.records import IPPROTO_TCP, IPPROTO_UDP

RULES = Path(__file__).parents[1] / "rules"
SIGNATURES = SignatureSet.load(RULES / "signatures.yaml")
BY_ID = {signature.id: signature for signature in SIGNATURES.signatures}
TRANSPORTS = {"tcp": IPPROTO_TCP, "udp": IPPROTO_UDP}
OPENINGS: dict[str, Opening] = (
    openings_citrix.OPENINGS
    | openings_web.OPENINGS
    | openings_windows.OPENINGS
    | openings_network.OPENINGS
)
FURTHER: dict[str, list[bytes]] = (
    openings_web.FURTHER | openings_windows.FURTHER | openings_network.FURTHER
)
HELLO, ANSWER = payloads.tls_client_hello("a.example"), payloads.tls_server_flight()
BANNER = openings_citrix.BANNER


def heads(payload: bytes | tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Make one payload a tuple of one."""
    return payload if isinstance(payload, tuple) else (payload,)


def heard(opening: Opening, payload: bytes | tuple[bytes, ...]) -> Recognised | None:
    """Recognise a payload from the side that the opening names."""
    transport = TRANSPORTS[opening.transport]
    if opening.sender == "client":
        return SIGNATURES.recognise(transport, heads(payload), ())
    return SIGNATURES.recognise(transport, (), heads(payload))


def fits(signature: Signature, payload: bytes | tuple[bytes, ...]) -> bool:
    """Hold a payload against one signature as the table of first bytes would let it."""
    first = heads(payload)[0][0]
    return first in signature.first_bytes and signature.fits(heads(payload), 0)


def test_every_signature_has_an_opening() -> None:
    """Each signature is shown a payload built from its description, and none is left over."""
    assert set(OPENINGS) == set(BY_ID)
    assert set(FURTHER) <= set(BY_ID)


@pytest.mark.parametrize("name", OPENINGS)
def test_opening_fits(name: str) -> None:
    """The published opening fits its signature, on the side and transport that it is for."""
    opening, signature = OPENINGS[name], BY_ID[name]
    assert fits(signature, opening.payload)
    assert all(fits(signature, payload) for payload in FURTHER.get(name, ()))
    assert TRANSPORTS[opening.transport] in signature.transports
    assert signature.sender in {opening.sender, "either"}


@pytest.mark.parametrize("name", OPENINGS)
def test_near_misses_do_not_fit(name: str) -> None:
    """A payload that lacks one thing that the description demands does not fit."""
    opening, signature = OPENINGS[name], BY_ID[name]
    fitting = [miss for miss in opening.misses if fits(signature, miss)]
    assert opening.misses
    assert fitting == []


@pytest.mark.parametrize("name", OPENINGS)
def test_opening_is_recognised(name: str) -> None:
    """An opening is recognised as its protocol or a use of it, at least as surely as stated."""
    found = heard(OPENINGS[name], OPENINGS[name].payload)
    assert found is not None
    assert found.strength >= BY_ID[name].strength
    if BY_ID[name].strength > Strength.WEAK:
        assert SIGNATURES.is_kind_of(found.protocol, BY_ID[name].protocol)


def test_ica_speaks_server_first() -> None:
    """The ICA banner is proof, once or repeated, and the side that speaks alone is the server."""
    for banner in (BANNER, BANNER * 2, BANNER * 2 + openings_citrix.SERVER_PACKET):
        found = SIGNATURES.recognise(IPPROTO_TCP, (), (banner,))
        assert found == ("ica", Strength.PROOF, False, "server")
        assert SIGNATURES.side_of_server(IPPROTO_TCP, (banner,), ()) == "a"


def test_echoed_banner_is_told_from_the_banner() -> None:
    """Where both sides have sent the ICA banner, what follows it tells server from client."""
    client = (BANNER + openings_citrix.MODULE,)
    server = (BANNER + openings_citrix.SERVER_PACKET,)
    assert SIGNATURES.side_of_server(IPPROTO_TCP, client, server) == "b"
    assert SIGNATURES.side_of_server(IPPROTO_TCP, server, client) == "a"
    assert SIGNATURES.side_of_server(IPPROTO_TCP, (BANNER,), server) == "b"
    assert SIGNATURES.side_of_server(IPPROTO_TCP, (BANNER,), (BANNER,)) == ""


@pytest.mark.parametrize(
    "name",
    ["tls-client-hello", "cgp-bind-request", "tds-prelogin", "flexnet-hello", "net-tcp-preamble",
     "flexnet-message", "http-request", "rdp-request"],
)  # fmt: skip
def test_client_first_protocols(name: str) -> None:
    """Whoever opens with TLS, CGP, TDS, FlexNet or net.tcp is the client, whichever end it is."""
    head = heads(OPENINGS[name].payload)
    assert SIGNATURES.side_of_server(IPPROTO_TCP, head, ()) == "b"
    assert SIGNATURES.side_of_server(IPPROTO_TCP, (), head) == "a"


@pytest.mark.parametrize(
    ("head_a", "head_b"),
    [
        (b"", b""),
        (HELLO, HELLO),
        (b"noise of no kind", b""),
        (b"W\x14-61\0", b""),
        (OPENINGS["tls-records"].payload, b""),
        (b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n"),
        (OPENINGS["rtp-packet"].payload, b""),
    ],
)
def test_side_of_server_stays_open(head_a: bytes, head_b: bytes) -> None:
    """Silence, noise, weak evidence, talk in mid-stream and contradiction name no server."""
    for transport in (IPPROTO_TCP, IPPROTO_UDP):
        assert SIGNATURES.side_of_server(transport, (head_a,), (head_b,)) == ""


def test_wrong_side_counts_one_step_less() -> None:
    """A ServerHello from the client's side is TLS still, but no longer proof."""
    found = SIGNATURES.recognise(IPPROTO_TCP, (ANSWER,), ())
    assert found is not None
    assert (found.protocol, found.strength) == ("tls", Strength.STRONG)
    weak = OPENINGS["flexnet-old-answer"]
    assert SIGNATURES.recognise(IPPROTO_TCP, heads(weak.payload), ()) is None


def test_surer_side_counts() -> None:
    """Where the sides differ the surer one counts, and among equals the server's."""
    page = payloads.http_response()
    request = payloads.http_request("a.example")
    found = SIGNATURES.recognise(IPPROTO_TCP, (HELLO,), (page,))
    assert found is not None
    assert found.protocol == "http"
    found = SIGNATURES.recognise(IPPROTO_TCP, (HELLO,), (b"220 mail ESMTP\r\n",))
    assert found is not None
    assert found.protocol == "tls"
    found = SIGNATURES.recognise(IPPROTO_TCP, (request,), (BANNER,))
    assert found is not None
    assert found.protocol == "ica"


def test_use_of_a_protocol_beats_it() -> None:
    """The XML service's request wins over the plain HTTP of its answer, and is HTTP still."""
    request = openings_citrix.OPENINGS["xml-service-request"].payload
    found = SIGNATURES.recognise(IPPROTO_TCP, heads(request), (payloads.http_response(),))
    assert found is not None
    assert (found.protocol, found.strength) == ("xml-service", Strength.PROOF)
    assert SIGNATURES.is_kind_of("xml-service", "http")
    assert not SIGNATURES.is_kind_of("http", "xml-service")
    found = SIGNATURES.recognise(
        IPPROTO_TCP,
        (payloads.http_request("a.example"),),
        heads(OPENINGS["xml-service-banner"].payload),
    )
    assert found is not None
    assert (found.protocol, found.strength) == ("xml-service", Strength.STRONG)


def test_later_datagram_can_be_the_surer_one() -> None:
    """Of several datagrams the one that proves most counts: DTLS behind STUN, a late template."""
    stun, dtls = (
        heads(OPENINGS["stun-message"].payload),
        heads(OPENINGS["dtls-client-hello"].payload),
    )
    found = SIGNATURES.recognise(IPPROTO_UDP, stun + dtls, stun)
    assert found == ("dtls", Strength.PROOF, True, "client")
    records = openings_network.ipfix(openings_network.DATA)
    found = SIGNATURES.recognise(IPPROTO_UDP, (records, openings_network.APPFLOW), ())
    assert found is not None
    assert found.protocol == "appflow"


def test_media_beats_what_opened_its_way() -> None:
    """A flow that begins with STUN and goes on with RTP is RTP."""
    stun, audio = heads(OPENINGS["stun-message"].payload), OPENINGS["rtp-series"].payload
    found = SIGNATURES.recognise(IPPROTO_UDP, stun + heads(audio), ())
    assert found is not None
    assert found.protocol == "rtp"


def test_support_looks_past_the_first_weak_match() -> None:
    """A payload that fits several protocols weakly supports each of them and proves none."""
    packet = changed(openings_network.rtp(1), 4, 10)
    packet = changed(packet, 7, 1)
    found = SIGNATURES.recognise(IPPROTO_UDP, (packet,), ())
    assert found is not None
    assert (found.protocol, found.strength) == ("netscaler-ha", Strength.WEAK)
    assert SIGNATURES.support("rtp", IPPROTO_UDP, (packet,), ()) is Strength.WEAK
    assert SIGNATURES.support("http", IPPROTO_TCP, (HELLO,), (ANSWER,)) is None
    request = heads(OPENINGS["nitro-request"].payload)
    assert SIGNATURES.support("http", IPPROTO_TCP, request, ()) is Strength.PROOF


def test_encrypted_protocols() -> None:
    """TLS, DTLS, QUIC, SSH and IKE hide what they carry; nothing else claims to."""
    hiding = {protocol.id for protocol in SIGNATURES.protocols.values() if protocol.encrypted}
    assert hiding == {"tls", "dtls", "quic", "ssh", "isakmp"}


def test_afs_is_not_taken_for_a_cluster() -> None:
    """On udp/7000 AFS is recognised as itself, so that a cluster heartbeat is not assumed."""
    found = heard(OPENINGS["afs-rx-data"], OPENINGS["afs-rx-data"].payload)
    assert found is not None
    assert (found.protocol, found.strength) == ("afs-rx", Strength.STRONG)


@pytest.mark.parametrize("transport", [1, 50, 132, 255])
def test_unknown_transport_is_silent(transport: int) -> None:
    """Payload of a transport that no signature is for is recognised as nothing."""
    assert SIGNATURES.recognise(transport, (HELLO,), (ANSWER,)) is None
    assert SIGNATURES.side_of_server(transport, (HELLO,), ()) == ""


def test_noise_is_never_more_than_weak() -> None:
    """Random bytes, sparse bytes and small numbers of any width pass for nothing sure."""
    sure = []
    for number, size in product(range(900), (4, 16, 20, 28, 48, 100)):
        dice = noise(f"{number}", size)
        small = [byte & 7 for byte in dice]
        width = 1 << number % 3
        for payload in (
            dice,
            bytes(byte if byte > 0x7F else 0 for byte in dice),
            b"".join(each.to_bytes(width, "big") for each in small),
            b"".join(each.to_bytes(width, "little") for each in small),
        ):
            for transport in (IPPROTO_TCP, IPPROTO_UDP):
                found = SIGNATURES.recognise(transport, (payload,), (payload,))
                if found is not None and found.strength > Strength.WEAK:
                    sure.append((found.protocol, payload))
    assert sure == []


@given(st.binary(max_size=300), st.lists(st.binary(max_size=80), max_size=3))
def test_random_bytes_raise_nothing(payload: bytes, datagrams: list[bytes]) -> None:
    """Whatever the sides send, an answer comes and no exception."""
    for transport in (IPPROTO_TCP, IPPROTO_UDP):
        SIGNATURES.recognise(transport, (payload,), tuple(datagrams))
        SIGNATURES.side_of_server(transport, tuple(datagrams), (payload,))


@given(st.sampled_from(sorted(CHECKS)), st.sampled_from(sorted(OPENINGS)), st.data())
def test_damaged_openings_raise_nothing(check: str, name: str, data: st.DataObject) -> None:
    """Every check answers on every opening, cut and bent anywhere, even where it is not asked."""
    payload = bytearray(heads(OPENINGS[name].payload)[0])
    del payload[data.draw(st.integers(0, len(payload))) :]
    for place in data.draw(st.lists(st.integers(0, max(len(payload) - 1, 0)), max_size=4)):
        if payload:
            payload[place] = data.draw(st.integers(0, 255))
    assert CHECKS[check](bytes(payload)) in {True, False}
    heard(OPENINGS[name], bytes(payload))


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_openings_cut_anywhere_raise_nothing(check: str) -> None:
    """Every check answers on every beginning of every opening, the empty one too."""
    for opening in OPENINGS.values():
        payload = heads(opening.payload)[0]
        for length in range(min(len(payload), 64) + 1):
            assert CHECKS[check](payload[:length]) in {True, False}


def test_manual_lists_protocols_and_checks() -> None:
    """The manual has every protocol and every named check, and no others."""
    manual = (RULES.parent / "docs" / "signatures.md").read_text(encoding="utf-8")
    for heading, known in (("## Protocols", SIGNATURES.protocols), ("## Checks", CHECKS)):
        section = manual.split(heading, 1)[1].split("\n## ", 1)[0]
        listed = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert sorted(listed) == sorted(known)


def test_shipped_file_follows_its_schema() -> None:
    """The shipped signatures are what the schema for editors describes."""
    jsonschema = pytest.importorskip("jsonschema", reason="needs the extra 'check'")
    yaml = pytest.importorskip("yaml")
    schema = json.loads((RULES / "schema" / "signatures.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    value = yaml.safe_load((RULES / "signatures.yaml").read_text(encoding="utf-8"))
    problems = jsonschema.Draft202012Validator(schema).iter_errors(value)
    assert [problem.message for problem in problems] == []
