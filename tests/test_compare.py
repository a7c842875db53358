"""auditor.compare: two audits held against each other."""

from __future__ import annotations

import csv
import io
import json
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest
import reports
from audit_files import audit, expected, finding, flow
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.compare.audits import read_audit
from auditor.compare.difference import compare
from auditor.compare.writers import COLUMNS, FORMATS
from auditor.errors import AuditError
from auditor.report.writers import Style, show

if TYPE_CHECKING:
    from pathlib import Path

    from audit_files import Json

    from auditor.compare.difference import Comparison

EVIL = "=cmd\x1b[2J\u202e<script>|[x](http://evil.example)\r\n@all"


@pytest.fixture
def versus(tmp_path: Path) -> Versus:
    """Compare two descriptions of audits."""
    return Versus(tmp_path)


class Versus:
    """Writes two audits and compares them."""

    def __init__(self, directory: Path) -> None:
        """Keep the files in a directory."""
        self.old, self.new = directory / "old.json", directory / "new.json"

    def __call__(self, old: Json, new: Json) -> Comparison:
        """Compare."""
        for path, value in ((self.old, old), (self.new, new)):
            path.write_text(json.dumps(value))
        return compare(read_audit(str(self.old)), read_audit(str(self.new)))


def test_an_audit_that_was_written_is_read(tmp_path: Path) -> None:
    """The reader takes what the writer of reports makes, and a report equals itself."""
    path = tmp_path / "a.json"
    report = reports.rich_report()
    with path.open("w") as out:
        show(report, out, "json")
    read = read_audit(str(path))
    assert sum(map(len, read.findings.values())) == len(report.findings)
    assert read.flows == len(report.flows)
    assert set(read.hosts) == set(report.hosts["address"])
    same = compare(read, read)
    assert same.exit_status() == 0
    lists = (same.doubts, same.appeared, same.disappeared, same.changed, same.coverage)
    assert not any((*lists, same.hosts_appeared, same.talks_appeared))


def test_findings_are_told_apart_by_identity(versus: Versus) -> None:
    """What is new, what is gone and what stayed, the gravest first; counts do not matter."""
    old = audit([finding("stays"), finding("goes")])
    new = audit([finding("comes", "low"), finding("stays", flows=99), finding("came")])
    found = versus(old, new)
    assert [each.id for each in found.appeared] == ["came", "comes"]
    assert [each.id for each in found.disappeared] == ["goes"]
    assert found.changed == ()


@pytest.mark.parametrize(
    "change", [{"severity": "low"}, {"accepted": True}, {"title": "wrong direction: x"}]
)
def test_a_finding_can_change(versus: Versus, change: Json) -> None:
    """Severity, acceptance and wording may differ between two audits."""
    found = versus(audit([finding("x")]), audit([finding("x") | change]))
    assert (found.appeared, found.disappeared) == ((), ())
    assert len(found.changed) == 1


def test_findings_that_share_an_identity_are_paired_by_title(versus: Versus) -> None:
    """One pair of hosts and port can be missed for two reasons; one of them may go."""
    both = [finding("x", title="one"), finding("x", "low", title="two")]
    found = versus(audit(both), audit(both[1:]))
    assert [each.title for each in found.disappeared] == ["one"]
    assert (found.appeared, found.changed) == ((), ())
    assert versus(audit(both), audit(both[::-1])).changed == ()


@pytest.mark.parametrize(
    ("old", "new", "statuses"),
    [
        ([], [], [0, 0, 0, 0]),
        ([finding("x")], [], [0, 0, 0, 0]),
        ([finding("x")], [finding("x")], [0, 0, 0, 0]),
        ([], [finding("x", "low")], [0, 0, 1, 0]),
        ([], [finding("x", "medium")], [0, 1, 1, 0]),
        ([], [finding("x")], [1, 1, 1, 0]),
        ([], [finding("x", accepted=True)], [0, 0, 0, 0]),
        ([finding("x", accepted=True)], [finding("x")], [1, 1, 1, 0]),
        ([finding("x", "low")], [finding("x")], [1, 1, 0, 0]),
        ([finding("x")], [finding("x", "low")], [0, 0, 0, 0]),
    ],
)
def test_only_what_counts_and_did_not_before_makes_the_status(
    versus: Versus, old: list[Json], new: list[Json], statuses: list[int]
) -> None:
    """New, no longer accepted or grown beyond the threshold: 1; anything else: 0."""
    found = versus(audit(old), audit(new))
    levels = ("high", "medium", "low", "never")
    assert [found.exit_status(level) for level in levels] == statuses
    assert found.exit_status() == found.exit_status("low")


def test_expectations_are_compared_by_group_and_roles(versus: Versus) -> None:
    """What got worse stands first; new ports of a group are no difference."""
    old = audit(
        coverage=[expected("missing"), expected("seen", "sta"), expected("seen", "wem-agent")]
    )
    new = audit(
        coverage=[
            expected("seen", ports=[80]),
            expected("blocked", "sta"),
            expected("seen", "wem-agent"),
            expected("unobservable", "pvs"),
        ]
    )
    found = versus(old, new)
    turns = [(turn.expected.sources, turn.before, turn.after) for turn in found.coverage]
    assert turns == [
        (("sta",), "seen", "blocked"),
        (("vda",), "missing", "seen"),
        (("pvs",), None, "unobservable"),
    ]
    assert [turn.is_worse for turn in found.coverage] == [True, False, False]


def test_hosts_and_answered_traffic_are_compared(versus: Versus) -> None:
    """Addresses, and services between roles; attempts are no traffic."""
    hosts: list[Json] = [{"address": f"10.0.0.{n}", "name": None, "roles": []} for n in (1, 2, 3)]
    old = audit(flows=[flow(80), flow(443)], hosts=hosts[:2])
    new = audit(flows=[flow(443), flow(None), flow(22, "refused")], hosts=hosts[1:])
    found = versus(old, new)
    assert [host.address for host in found.hosts_appeared] == ["10.0.0.3"]
    assert [host.address for host in found.hosts_disappeared] == ["10.0.0.1"]
    assert [talk.port for talk in found.talks_appeared] == [None]
    assert [talk.port for talk in found.talks_disappeared] == [80]


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"edition": "other"}, "the editions of the paper differ: citrix-adc, then other"),
        ({"catalog_digest": "ab" * 32}, "the rules differ: catalog digest 9f2c9f2c9f2c, then abab"),
        ({"hosts_file": None}, "the site files differ: site.yaml, then none"),
        ({"version": "0.2.0"}, "the auditors differ: version 0.1.0, then 0.2.0"),
        ({"filter": "a == 1"}, "the new audit shows only the flows for which a == 1 holds"),
        ({"interrupted": True}, "the new audit was interrupted"),
        ({"truncated": True}, "the new audit rests on a capture that is cut off"),
        ({"unreadable": ["a: b"]}, "the new audit could not read 1 source"),
        ({"dropped": 2}, "the new audit rests on a capture that lost 2 frames"),
        ({"duration_s": 60}, "the captures last unequally long: 12 min, then 60 s"),
        (
            {"first_seen": "2025-01-31T10:00:00Z"},
            "the old capture begins later than the new one; are they the wrong way round?",
        ),
    ],
)
def test_what_is_not_like_for_like_is_said(versus: Versus, change: Json, doubt: str) -> None:
    """A difference may be one of the audits and not of the site."""
    (said,) = versus(audit(), audit(told=change)).doubts
    assert said.startswith(doubt)


def rich(versus: Versus) -> Comparison:
    """Compare two audits that differ in everything, with texts that attack the reader."""
    old = audit(
        [finding("gone"), finding("less", "high"), finding("told", title="before")],
        [expected("seen"), expected("missing", "sta")],
        [flow(80)],
        [{"address": "10.0.0.1", "name": "a", "roles": ["vda"]}],
    )
    new = audit(
        [finding(EVIL, title=EVIL, reason=EVIL), finding("less", "low"), finding("told")],
        [expected("missing"), expected("seen", "sta"), expected("seen", EVIL)],
        [flow(443, client_roles=[]), flow(None, transport="icmp")],
        [{"address": EVIL, "name": EVIL, "roles": [EVIL]}],
        {"hosts_file": EVIL},
    )
    return versus(old, new)


def written(comparison: Comparison, name: str, style: Style | None = None) -> str:
    """Write in a format."""
    out = io.StringIO()
    FORMATS[name](comparison, out, style or Style())
    return out.getvalue()


def test_the_table_reads_from_the_top(versus: Versus) -> None:
    """Doubts first, then new findings, then what changed, then the rest."""
    text = written(rich(versus), "table")
    headings = [line for line in text.splitlines() if line and line[0].isupper()]
    assert headings == [
        "Findings: 1 new, 2 changed, 1 gone; 1 expectation no longer met.",
        "New findings",
        "Changed findings",
        "Findings that are gone",
        "Expected traffic",
        "New traffic, by role",
        "Traffic that is gone, by role",
        "New hosts",
        "Hosts that are gone",
    ]
    assert "  high -> low  not documented: less\n" in text
    assert "  seen -> missing    vda -> ddc tcp/80, 443\n" in text
    assert "  (no role) -> ddc tcp/443\n" in text
    assert "  vda -> ddc icmp\n" in text
    assert "  10.0.0.1: a, vda\n" in text


def test_the_same_audit_has_little_to_say(versus: Versus) -> None:
    """What was compared, and that nothing changed."""
    text = written(versus(audit([finding("x")]), audit([finding("x")])), "table")
    facts = "2026-01-31 10:00:00 UTC, 12 min, 0 flows, 1 finding"
    told = f"old {versus.old}: {facts} new {versus.new}: {facts} The findings are the same."
    assert text.split() == told.split()


def test_no_line_of_the_table_is_too_wide(versus: Versus) -> None:
    """Long texts are wrapped, long lists cut short unless all is wanted."""
    many = [finding(f"f{n}", title="word " * 60) for n in range(40)]
    found = versus(audit(), audit(many))
    text = written(found, "table")
    assert max(map(len, text.splitlines())) <= 100
    assert "  +25 more (--verbose shows all)\n" in text
    assert "more" not in written(found, "table", Style(verbose=True))


@pytest.mark.parametrize("name", FORMATS)
def test_texts_from_outside_do_no_harm(versus: Versus, name: str) -> None:
    """Whoever sends packets chooses names; no format lets them act."""
    text = written(rich(versus), name)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\r" not in text
    if name == "markdown":
        assert "<script>" not in text
        assert "[x](" not in text
    if name == "csv":
        rows = list(csv.reader(io.StringIO(text)))
        assert tuple(rows[0]) == COLUMNS
        assert not any(cell.startswith("=") for row in rows for cell in row)


def test_csv_has_one_row_for_every_difference(versus: Versus) -> None:
    """All differences in one table, each with what it was and what it is."""
    rows = list(csv.DictReader(io.StringIO(written(rich(versus), "csv"))))
    told = [(row["what"], row["change"], row["before"], row["after"]) for row in rows]
    assert told == [
        ("finding", "appeared", "", "high"),
        ("finding", "changed", "high", "high"),
        ("finding", "changed", "high", "low"),
        ("finding", "disappeared", "high", ""),
        ("expectation", "changed", "seen", "missing"),
        ("expectation", "changed", "missing", "seen"),
        ("expectation", "changed", "not asked", "seen"),
        ("traffic", "appeared", "", "seen"),
        ("traffic", "appeared", "", "seen"),
        ("traffic", "disappeared", "seen", ""),
        ("host", "appeared", "", "seen"),
        ("host", "disappeared", "seen", ""),
    ]


def test_json_holds_every_difference(versus: Versus) -> None:
    """The whole comparison as data, ASCII alone."""
    text = written(rich(versus), "json")
    assert text.isascii()
    value = json.loads(text)
    assert value["schema"] == 1
    assert [row["title"] for row in value["findings"]["appeared"]] == [EVIL]
    assert value["findings"]["changed"][0]["before"]["title"] == "before"
    assert value["coverage"][0] == {
        "group": "cvad-registration",
        "source_roles": ["vda"],
        "destination_roles": ["ddc"],
        "before": "seen",
        "after": "missing",
    }
    assert value["traffic"]["disappeared"][0]["port"] == 80
    assert [row["address"] for row in value["hosts"]["disappeared"]] == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", ":1:1: expected JSON: Expecting value"),
        (b"{\n  x", ":2:3: expected JSON: "),
        (b"\x80\x81", ": expected JSON, found byte 0 to be no text"),
        (b"[" * 100_000, ": expected the JSON of an audit, found endless nesting"),
        (b"[NaN]", ": expected JSON: NaN is no number there"),
        (b"9" * 5000, ": expected JSON: "),
        (b"[]", ": expected an object, found a list"),
        (b"{}", ": expected the JSON of an audit, schema 1, found none"),
        (b'{"schema": 2}', ": expected the JSON of an audit, schema 1, found 2"),
        (b'{"schema": true}', ": schema: expected a whole number from 0 to "),
        (
            b'{"schema": 1, "flows": []}',
            ": expected the JSON of `auditor audit`, found one without",
        ),
    ],
)
def test_what_is_no_audit_is_an_error(tmp_path: Path, raw: bytes, message: str) -> None:
    """One line says which file it is, and what is wrong with it."""
    path = tmp_path / "a.json"
    path.write_bytes(raw)
    with pytest.raises(AuditError) as error:
        read_audit(str(path))
    assert str(error.value).startswith(f"{path}{message}")
    assert len(str(error.value).splitlines()) == 1


def broken(place: list[str | int], value: object) -> Json:
    """Describe an audit with one value replaced."""
    whole = audit([finding("x")], [expected("seen")], [flow(80)], [{"address": "a", "roles": []}])
    inner: object = whole
    for key in place[:-1]:
        inner = inner[key]  # type: ignore[index]  # the tests know the way
    inner[place[-1]] = value  # type: ignore[index]
    return whole


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (["audit"], None, "audit: expected an object, found nothing"),
        (["audit", "edition"], 7, "audit.edition: expected text, found a number"),
        (["capture", "duration_s"], "x", "capture.duration_s: expected a number from 0 to"),
        (["capture", "duration_s"], float("1e308") * 10, "capture.duration_s: expected a number"),
        (["capture", "truncated"], "no", "capture.truncated: expected true or false, found text"),
        (["capture", "unreadable"], [1], "capture.unreadable: expected a list of texts, found a n"),
        (["capture", "first_seen"], "noon", "capture.first_seen: noon: expected a time such as"),
        (
            ["capture", "first_seen"],
            "0001-01-01T00:00:00+23:59",
            "capture.first_seen: expected a capture's time",
        ),
        (["findings"], {}, "findings: expected a list, found an object"),
        (["findings", 0], 1, "findings[0]: expected an object, found a number"),
        (["findings", 0, "severity"], "dire", "expected a severity (low, medium, high), found"),
        (["findings", 0, "accepted"], 1, "findings[0].accepted: expected true or false"),
        (["coverage", 0, "ports"], [-1], "coverage[0].ports: expected a list of whole numbers"),
        (["flows", 0, "server_port"], 1.5, "flows[0].server_port: expected a whole number"),
        (["hosts", 0, "roles"], "vda", "hosts[0].roles: expected a list, found text"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(
    tmp_path: Path, place: list[str | int], value: object, message: str
) -> None:
    """The line leads to the value that is not what it should be."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps(broken(place, value)).replace("Infinity", "1e999"))
    with pytest.raises(AuditError) as error:
        read_audit(str(path))
    assert str(error.value).startswith(f"{path}: {message}")


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just("0001-01-01T00:00:00+23:59"),
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_value_is_too_odd(versus: Versus, data: st.DataObject) -> None:
    """An audit with any value anywhere is compared in every format, or refused in one line."""
    whole = audit([finding("x")], [expected("seen")], [flow(80)], [{"address": "a", "roles": []}])
    changed: object = deepcopy(whole)
    inner = changed
    while isinstance(inner, (dict, list)) and inner:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()) or not isinstance(inner[key], (dict, list)):
            inner[key] = data.draw(LEAVES)
            break
        inner = inner[key]
    assert isinstance(changed, dict)
    try:
        found = versus(whole, changed)
    except AuditError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - either way is right
        return
    for name in FORMATS:
        assert written(found, name)
