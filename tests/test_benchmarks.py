"""The benchmarks: their captures are sound, and their runner tells figures apart from failures."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import capture_maker
import measure
import pytest
import tables
from capture_plan import Order, Plan, crowd_order, plan_capture
from invoked import auditor as run_auditor
from measure import Contender
from small_office import needs_tshark
from targets import Check, Target

import auditor

if TYPE_CHECKING:
    from experiments import Figures

ROOT = Path(__file__).resolve().parent.parent
SMALL = Order(frames=4000, flows=300, size_bytes=2_000_000, scans=0.05, seed=3)

needs_capinfos = pytest.mark.skipif(shutil.which("capinfos") is None, reason="needs capinfos")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Plan a small capture."""
    return plan_capture(SMALL)


@pytest.fixture(scope="module", params=[".pcap", ".pcapng"])
def capture(
    request: pytest.FixtureRequest, plan: Plan, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Write it, in either format, with its site file beside it."""
    path = tmp_path_factory.mktemp("benchmark") / f"capture{request.param}"
    capture_maker.write_capture(plan, path)
    capture_maker.write_site_file(plan, path.with_suffix(".hosts.yaml"))
    return path


def _said(*command: object) -> str:
    return subprocess.run(
        [str(word) for word in command], check=True, capture_output=True, text=True
    ).stdout


def test_capture_holds_the_flows_asked_for(capture: Path) -> None:
    """Our own reader finds every frame decoded and every flow once, most of them whole."""
    report = auditor.pipeline.read(capture)
    assert report.capture.frames == report.capture.frames_by_status["ok"] == SMALL.frames
    assert len(report.flows) == SMALL.flows
    assert not report.capture.truncated
    by_outcome = report.summary["by_outcome"]
    assert by_outcome["established"] + by_outcome["answered"] > 0.8 * SMALL.flows
    assert all(by_outcome[word] for word in ("refused", "unanswered", "midstream"))


def test_capture_has_about_the_size_asked_for(plan: Plan, tmp_path: Path) -> None:
    """The data frames make up what the openings leave of the size."""
    path = tmp_path / "capture.pcap"
    capture_maker.write_capture(plan, path)
    assert abs(path.stat().st_size / SMALL.size_bytes - 1) < 0.05


@needs_capinfos
def test_capinfos_agrees(capture: Path) -> None:
    """The capture counts as many frames elsewhere, in the order of time."""
    rows = _said("capinfos", "-T", "-r", "-c", "-o", "-M", capture).split()
    assert rows[-2:] == [str(SMALL.frames), "True"]


@needs_tshark
def test_tshark_finds_the_segments_in_order(capture: Path) -> None:
    """Sequence numbers and IP checksums are right: only unanswered SYNs are sent again."""
    wrong = "ip.checksum.status==0 || tcp.analysis.flags && !(tcp.flags.syn==1 && tcp.flags.ack==0)"
    options = "-n", "-o", "ip.check_checksum:TRUE", "-Y", wrong
    assert _said("tshark", "-r", capture, *options) == ""


def test_openings_are_recognised(capture: Path) -> None:
    """Payloads are what their ports promise, and names are seen."""
    report = auditor.audit(capture, hosts=capture.with_suffix(".hosts.yaml"))
    verification = report.summary["by_verification"]
    assert verification["contradicted"] == 0
    assert verification["verified"] + verification["encrypted"] > 0.7 * SMALL.flows
    verdicts = report.summary["by_verdict"]
    assert verdicts["documented"] > 0.4 * SMALL.flows
    assert verdicts["undocumented"] > 0


def test_site_file_is_sound(capture: Path) -> None:
    """The site file that belongs to a capture has no mistakes."""
    done = run_auditor("hosts", "check", capture.with_suffix(".hosts.yaml"))
    assert done.status == 0
    assert "no mistakes" in done.stdout


def test_order_and_seed_decide_all(plan: Plan, tmp_path: Path) -> None:
    """The same order gives the same bytes, another seed does not."""
    paths = [tmp_path / f"{number}.pcap" for number in range(3)]
    other = Order(SMALL.frames, SMALL.flows, SMALL.size_bytes, scans=SMALL.scans, seed=4)
    for path, planned in zip(paths, (plan, plan_capture(SMALL), plan_capture(other)), strict=True):
        capture_maker.write_capture(planned, path)
    assert paths[0].read_bytes() == paths[1].read_bytes() != paths[2].read_bytes()


def test_crowd_is_of_small_whole_flows(tmp_path: Path) -> None:
    """In a crowd every flow is there, with few frames."""
    planned, path = plan_capture(crowd_order(500)), tmp_path / "crowd.pcap"
    capture_maker.write_capture(planned, path)
    report = auditor.pipeline.read(path)
    assert len(report.flows) == 500
    assert report.capture.frames == planned.frames < 10 * 500


def test_ring_is_the_capture_in_pieces(plan: Plan, tmp_path: Path) -> None:
    """The files of a ring buffer hold, one behind the other, what the one capture holds."""
    whole, ring = tmp_path / "whole.pcap", tmp_path / "ring"
    ring.mkdir()
    capture_maker.write_capture(plan, whole)
    capture_maker.write_ring(plan, ring, 7)
    pieces = [path.read_bytes() for path in sorted(ring.iterdir())]
    assert len(pieces) == 7
    assert pieces[0][:24] + b"".join(piece[24:] for piece in pieces) == whole.read_bytes()


def test_packed_captures_hold_the_same(plan: Plan, tmp_path: Path) -> None:
    """Each file is replaced by its compressed self."""
    ring = tmp_path / "ring"
    ring.mkdir()
    capture_maker.write_ring(plan, ring, 3)
    plain = {path.name: path.read_bytes() for path in ring.iterdir()}
    capture_maker.pack(ring)
    packed = {path.stem: gzip.decompress(path.read_bytes()) for path in ring.iterdir()}
    assert packed == plain
    assert {path.suffix for path in ring.iterdir()} == {".gz"}


def test_beginning_is_a_capture_of_the_first_frames(plan: Plan, tmp_path: Path) -> None:
    """The cut that slow peers see ends behind a frame."""
    whole = tmp_path / "whole.pcap"
    capture_maker.write_capture(plan, whole)
    cut = capture_maker.write_beginning(whole, tmp_path / "cut.pcap", 123)
    assert whole.read_bytes().startswith(cut.read_bytes())
    info = auditor.pipeline.read(cut).capture
    assert (info.frames, info.truncated) == (123, False)


def test_too_few_frames_are_refused() -> None:
    """Frames must suffice for the handshakes; the message says how many would."""
    with pytest.raises(ValueError, match="100 frames: expected at least"):
        plan_capture(Order(frames=100, flows=300))


def test_race_measures_in_turn_and_leaves_out_who_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A program that fails has no figures, and the reason is said; the others have them all."""
    good = Contender("good", "", (sys.executable, "-c", "x = b'x' * 50_000_000"))
    bad = Contender("bad", "", (sys.executable, "-c", "raise SystemExit('no such luck')"))
    missing = Contender("missing", "", ("no-such-program",))
    results = measure.race([good, bad, missing], 2, tmp_path)
    assert list(results) == ["good"]
    assert len(results["good"].samples) == 2
    assert 50 < results["good"].peak_mb < 500
    said = capfd.readouterr().err
    assert "bad: exit status 1: no such luck" in said.replace(sys.executable, "bad")
    assert "left out: missing" in said


def test_memory_of_whoever_measures_is_not_counted(tmp_path: Path) -> None:
    """A small program counts as small, however much memory the runner holds."""
    held = b"x" * 100_000_000
    small = measure.run((sys.executable, "-I", "-S", "-c", "pass"), tmp_path)
    assert small.peak_mb < 60 < len(held) / 1e6


def test_scaled_contender_is_multiplied_beyond_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a program on a cut takes beyond starting up counts as often as the cut is the whole."""
    took = {"idle": measure.Sample(1.0, 0.5, 10), "busy": measure.Sample(3.0, 1.5, 20)}
    monkeypatch.setattr(measure, "run", lambda command, _: took[command[0]])
    slow = Contender("slow", "", ("busy",), ("idle",), 10)
    (sample,) = measure.race([slow], 1, tmp_path)["slow"].samples
    assert sample == measure.Sample(21.0, 10.5, 20)


@pytest.mark.parametrize(
    ("figure", "at_least", "verdict"),
    [
        (0.7, False, "pass"),
        (0.9, False, "FAIL"),
        (0.9, True, "pass"),
        (0.7, True, "FAIL"),
        (None, False, "not measured"),
    ],
)
def test_check(figure: float | None, verdict: str, *, at_least: bool) -> None:
    """A figure passes on the right side of its bound; none is no failure."""
    assert Check(Target("it", 0.75, "x that", at_least), figure).verdict == verdict


def test_page_keeps_what_stands_around_the_figures(tmp_path: Path) -> None:
    """New figures replace old ones between the marks, and nothing else."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    tables.write_page(page, "new\n")
    assert page.read_text() == f"before\n{tables.BEGIN}\nnew\n{tables.END}\nafter\n"


def test_page_without_marks_is_not_touched(tmp_path: Path) -> None:
    """A page that has no place for figures is refused."""
    page = tmp_path / "page.md"
    page.write_text("a page\n")
    with pytest.raises(ValueError, match="expected the lines"):
        tables.write_page(page, "new\n")
    assert page.read_text() == "a page\n"


def test_manual_has_a_place_for_the_figures(tmp_path: Path) -> None:
    """The page of the manual takes figures, and names every measurement."""
    from experiments import EXPERIMENTS  # noqa: PLC0415 - numpy, tables and all peers

    page = tmp_path / "performance.md"
    shutil.copy(ROOT / "docs" / "performance.md", page)
    tables.write_page(page, _rendered([]))
    assert "Targets" in page.read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in page.read_text(encoding="utf-8") for name in EXPERIMENTS)


def _rendered(found: list[Figures]) -> str:
    return tables.render(found, markdown=True)


@pytest.mark.skipif(sys.platform == "win32", reason="the runner asks a Unix kernel for figures")
def test_one_command_makes_races_and_reports(tmp_path: Path) -> None:
    """The runner makes its capture, races, prints figures and targets, and leaves nothing."""
    command = [sys.executable, ROOT / "benchmarks" / "run.py", "small", "--rounds", 1]
    page = tmp_path / "page.md"
    printed = _said(*command, "--directory", tmp_path, "--markdown", page)
    assert "auditor audit" in printed
    assert "small capture" in printed
    assert page.read_text(encoding="utf-8").count("| auditor audit ") == 1
    assert list(tmp_path.iterdir()) == [page]


def test_maker_writes_capture_and_site_file(tmp_path: Path) -> None:
    """One command makes only a capture, in as many files as asked."""
    make, out = ROOT / "benchmarks" / "make.py", tmp_path / "ring"
    printed = _said(sys.executable, make, out, "--files", 3, "--frames", "3e3", "--flows", 200)
    assert "3,000 frames, 200 flows" in printed
    assert len(list(out.iterdir())) == 3
    assert (tmp_path / "ring.hosts.yaml").is_file()
