"""auditor.report.picking and auditor.report.wanted: flows are found again, frame by frame."""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import small_office
from capture_files import Frame
from capture_files import pcapng as captured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pcap_files import pcapng
from shared import SHARED, needs_shared
from small_office import DDC, REUSED_PORT, VDA
from traffic import Tcp, Udp, Wire

from auditor.decode.dissect import Decoder
from auditor.errors import CaptureError, UsageError
from auditor.pipeline import audit
from auditor.report.picking import picked_frames, refuse_streams
from auditor.report.wanted import Place, wanted_flows

if TYPE_CHECKING:
    from auditor import Report
    from auditor.capture import FrameBatch
    from auditor.decode.packets import Packets
    from auditor.report.picking import PickedFrame

ALL = 1_000_000
SAMPLES = Path(__file__).parents[1] / "sample_pcaps"


def picked(report: Report, *flow_ids: int, most: int = ALL) -> list[PickedFrame]:
    """Pick frames of some flows, or of all."""
    wanted = wanted_flows(report.tables["flows"], flow_ids or report.flows["flow_id"].tolist())
    return list(picked_frames(report.capture.files, wanted, most))


def office(directory: Path) -> Report:
    """Audit the small office."""
    return small_office.examined(directory).report


def flows_where(report: Report, expression: str) -> list[int]:
    """List the ids of the flows for which a query holds."""
    found: list[int] = report.flows.query(expression)["flow_id"].tolist()
    assert found
    return found


def assert_every_frame_is_found(report: Report) -> None:
    """Hold the frames picked against the counters of the flow table, and no frame comes twice."""
    frames = [frame for frame in picked(report) if not frame.error]
    assert len({frame.place for frame in frames}) == len(frames)
    found = Counter(frame.flow_id for frame in frames)
    out = Counter(frame.flow_id for frame in frames if frame.from_client)
    sizes: dict[int, int] = defaultdict(int)
    for frame in frames:
        sizes[frame.flow_id] += frame.wire_len
    for flow in report.flows.to_dict("records"):
        flow_id = flow["flow_id"]
        assert out[flow_id] == flow["packets_out"]
        assert found[flow_id] == flow["packets_out"] + flow["packets_in"]
        assert sizes[flow_id] == flow["bytes_out"] + flow["bytes_in"]


@pytest.mark.parametrize("name", ["branch-office.pcapng", "adc.pcap", "provisioning.pcapng"])
def test_the_flows_of_a_sample_are_found_again(name: str) -> None:
    """Every frame of every flow is picked, for its own flow and in its own direction."""
    assert_every_frame_is_found(audit(SAMPLES / name))


@needs_shared
@pytest.mark.parametrize(
    "name",
    [
        "the-tcpdump-group+tcpdump__tests__l2tp-avp-overflow.pcap",
        "zeek+zeek__testing__btest__Traces__ipv6-http-atomic-frag.pcap",
    ],
)
def test_a_capture_out_of_time_order_is_no_obstacle(name: str) -> None:
    """A flow whose earliest frame comes late in the file is found whole."""
    capture = SHARED / "captures" / name
    if not capture.is_file():
        pytest.skip(f"needs {name}")
    assert_every_frame_is_found(audit(capture))


talks = st.lists(
    st.tuples(
        st.sampled_from(["close", "reset", "refuse", "knock", "open", "udp"]),
        st.sampled_from([50_000, 50_001]),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(talks)
def test_connections_on_the_same_ports_are_told_apart(
    tmp_path: Path, talks: list[tuple[str, int, bool]]
) -> None:
    """However connections follow each other on their ports, each frame is its own flow's."""
    wire = Wire()
    for number, (how, port, turned) in enumerate(talks):
        client, server = (DDC, VDA) if turned else (VDA, DDC)
        if how == "udp":
            udp = Udp(wire, client, server, 443, at_ms=2000 * number, client_port=port)
            udp.send(b"a").answer(b"b")
            continue
        tcp = Tcp(wire, client, server, 443, at_ms=2000 * number, client_port=port)
        match how:
            case "refuse":
                tcp.refuse()
            case "knock":
                tcp.knock(2)
            case _:
                tcp.connect().send(b"hello").answer(b"hi")
                if how != "open":
                    (tcp.close if how == "close" else tcp.reset)()
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng(wire.captured()))
    assert_every_frame_is_found(audit(path))


def test_a_flow_whose_earliest_frame_comes_late_is_picked_once(tmp_path: Path) -> None:
    """Where a clock steps back behind the frames wanted, that is no second beginning."""
    wire = Wire()
    Udp(wire, VDA, DDC, 7000, at_ms=0).send(*[b"x"] * 6)
    frames = [Frame(frame.time_ns, frame.data, len(frame.data)) for frame in wire.captured()]
    frames[3:4] = [frames[3]._replace(time_ns=frames[0].time_ns - 1)]
    path = tmp_path / "x.pcapng"
    path.write_bytes(captured(frames))
    assert [frame.place.number for frame in picked(audit(path), 1, most=2)] == [1, 2]
    assert_every_frame_is_found(audit(path))


def test_one_of_several_connections_on_the_same_ports(tmp_path: Path) -> None:
    """Only the frames of the connection that is wanted come, from its SYN to its end."""
    report = office(tmp_path)
    ids = flows_where(report, f"client_port == {REUSED_PORT}")
    assert len(ids) == 3
    frames = picked(report, ids[1])
    assert any(b"number 2000" in frame.data for frame in frames)
    assert not any(word in frame.data for frame in frames for word in (b"number 1", b"number 3"))
    assert [frame.index for frame in frames] == list(range(1, len(frames) + 1))


def test_only_the_first_frames_come(tmp_path: Path) -> None:
    """A limit takes each flow's first frames, with their place in the capture."""
    report = office(tmp_path)
    [flow_id] = flows_where(report, "server_port == 1433 and outcome == 'established'")
    frames = picked(report, flow_id, most=3)
    first = report.flows["first_frame"].tolist()[flow_id - 1]
    assert len(frames) == 3
    assert frames[0].place == Place(report.capture.files[0], first)
    assert [frame.tcp_flags for frame in frames] == [0x02, 0x12, 0x10]
    assert [frame.from_client for frame in frames] == [True, False, True]


def test_an_icmp_error_comes_with_the_flow_that_it_refuses(tmp_path: Path) -> None:
    """The error is marked as such and counted apart."""
    report = office(tmp_path)
    [flow_id] = flows_where(report, "server_port == 7000")
    sent, error = picked(report, flow_id, most=1)
    assert (sent.error, error.error, error.index) == (False, True, 1)
    assert b"anybody?" not in error.data[:42]


def test_pings_are_told_apart(tmp_path: Path) -> None:
    """Two pings of one pair of hosts, at the same time, keep their own frames."""
    report = office(tmp_path)
    first, second = flows_where(report, "transport == 'icmp'")
    assert (len(picked(report, first)), len(picked(report, second))) == (4, 6)


def test_frames_at_other_times_are_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing before the flow and nothing after it costs more than a look at the clock."""
    report = office(tmp_path)
    ids = flows_where(report, f"client_port == {REUSED_PORT}")
    decoded = []
    decode = Decoder.decode

    def counting(self: Decoder, batch: FrameBatch) -> Packets:
        decoded.append(len(batch))
        return decode(self, batch)

    monkeypatch.setattr(Decoder, "decode", counting)
    frames = picked(report, ids[1])
    assert sum(decoded) < 2 * len(frames) < report.capture.frames


def test_a_narrowed_report_still_finds_its_flows(tmp_path: Path) -> None:
    """Without the other connections on the ports, the times of the flow bound it."""
    report = office(tmp_path)
    ids = flows_where(report, f"client_port == {REUSED_PORT}")
    whole = picked(report, ids[1])
    assert picked(report.filtered(f"flow_id == {ids[1]}"), ids[1]) == whole


def test_progress_is_told(tmp_path: Path) -> None:
    """The position, the size and the frames so far are passed on."""
    report = office(tmp_path)
    told: list[tuple[int, int, int]] = []
    wanted = wanted_flows(report.tables["flows"], [1])
    list(picked_frames(report.capture.files, wanted, 1, lambda *now: told.append(now)))
    size = Path(report.capture.files[0]).stat().st_size
    assert told
    assert told[-1][1] == size


def test_nothing_wanted_reads_nothing() -> None:
    """Without a flow the captures are not even opened."""
    assert list(picked_frames(["gone.pcap"], {}, 5)) == []


def test_a_capture_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """What cannot be read again is named."""
    report = office(tmp_path)
    Path(report.capture.files[0]).unlink()
    with pytest.raises(CaptureError, match=r"office\.pcapng: .*no such file"):
        picked(report, 1)


def test_a_capture_that_changed_gives_nothing_wrong(tmp_path: Path) -> None:
    """Frames of another conversation at the same place are not taken for the flow's."""
    report = office(tmp_path)
    other = Wire()
    Udp(other, small_office.STRANGER, DDC, 9, at_ms=100).send(b"x")
    frames = [Frame(frame.time_ns, frame.data, len(frame.data)) for frame in other.captured()]
    Path(report.capture.files[0]).write_bytes(captured(frames))
    [flow_id] = flows_where(report, "server_port == 7000")
    assert picked(report, flow_id) == []


def test_standard_input_cannot_be_read_twice() -> None:
    """It is refused before anything is read."""
    with pytest.raises(UsageError, match="standard input can be read only once"):
        refuse_streams(["x.pcap", "-"])


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes of this kind are POSIX")
def test_a_pipe_cannot_be_read_twice(tmp_path: Path) -> None:
    """Nor can a named pipe; files, directories and names without a file pass."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="pipe: can be read only once"):
        refuse_streams([str(pipe)])
    refuse_streams([str(tmp_path), str(tmp_path / "none"), __file__])
