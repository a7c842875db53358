"""The drafted site file: what it says of each host, and what a person can do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferring import inferred, judged_talks, listener, talk, told

from auditor.catalog.load import load_catalog
from auditor.infer.draft import Draft, draft_site
from auditor.infer.stage import infer, load_clues
from auditor.site.load import load_site

if TYPE_CHECKING:
    from pathlib import Path

    from conversations import Talk

A, B, C, D = (f"10.0.0.{number}" for number in range(1, 5))


def drafted(*talks: Talk, names: dict[str, str] | None = None) -> Draft:
    """Draft the site of some conversations."""
    judged = judged_talks(*talks)
    known = told(judged.flows, names)
    return draft_site(
        judged, known, infer(judged, known, load_clues(judged.book, listener().signatures))
    )


def entries(text: str) -> list[str]:
    """List the entries and comments of a file below its heading."""
    return [line.strip() for line in text.partition("hosts:")[2].splitlines() if line.strip()]


def test_every_role_says_what_it_rests_on() -> None:
    """An entry has the host's own name, its roles, and a comment with confidence and evidence."""
    text = drafted(talk(A, B, "tcp/1433", "tds"), names={B: "sql1.example"}).text(["x.pcap"])
    assert text.startswith("# Drafted from the traffic in x.pcap\n")
    assert "- {name: sql1.example, addresses: [10.0.0.2], roles: [sql-server]}" in text
    assert (
        "# sql-server 0.94: answered tcp/1433 with TDS to 10.0.0.1; is called sql1.example" in text
    )


def test_a_shared_name_is_nobodys() -> None:
    """The name of a service that several hosts serve is no host's name."""
    made = drafted(
        talk(A, B, "tcp/1433", "tds"),
        talk(A, C, "tcp/1433", "tds"),
        names={B: "sql.example", C: "sql.example"},
    )
    assert [host.name for host in made.site.hosts] == [None, None]


def test_a_name_that_rules_know_stays_out() -> None:
    """A name by which a rule knows a cloud service would change verdicts, so it is not given."""
    made = drafted(talk(A, B, "tcp/1433", "tds"), names={B: "a.nssvc.net"})
    assert made.site.hosts[0].name is None


def test_doubtful_roles_can_be_uncommented(tmp_path: Path) -> None:
    """What is less sure stands at the end; without its `#` it loads, even as the only entry."""
    made = drafted(talk(A, B, "tcp/389", "ldap"))
    text = made.text(["x.pcap"])
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    before = load_site(path, load_catalog())
    assert [host.roles for host in before.hosts] == [()]
    path.write_text(text.replace("\n#   - ", "\n  - "), encoding="utf-8")
    after = load_site(path, load_catalog())
    assert [(str(h.addresses[0]), h.roles) for h in after.hosts] == [(A, ()), (B, ("ldap-server",))]


def test_only_doubtful_roles(tmp_path: Path) -> None:
    """Where nothing is sure and nobody is left over, the file is still a site file."""
    made = Draft(drafted().site, {}, drafted(talk(A, B, "tcp/389", "ldap")).doubtful, 0.7)
    path = tmp_path / "site.yaml"
    for text in (made.text([]), made.text([]).replace("\n#   - ", "\n  - ")):
        path.write_text(text, encoding="utf-8")
        assert len(load_site(path, load_catalog()).hosts) == text.count("\n  - ")


def test_hosts_among_themselves_are_listed_without_a_role() -> None:
    """Of a flow between two hosts without a role one end is listed, so that it stays in scope."""
    made = drafted(talk(A, B, "tcp/9999", "noise"), talk(C, D, "tcp/1433", "tds"))
    listed = {str(host.addresses[0]): host.roles for host in made.site.hosts}
    assert listed == {D: ("sql-server",), A: ()}


def test_a_host_asked_by_a_known_one_is_not_the_end_that_is_listed() -> None:
    """Listed servers are judged differently, so the end that nobody known asks is listed."""
    made = drafted(
        talk(C, D, "tcp/1494", "ica"),
        talk(C, A, "tcp/9999", "noise"),
        talk(A, B, "tcp/9999", "noise"),
    )
    bare = [str(host.addresses[0]) for host in made.site.hosts if not host.roles]
    assert bare == [B]


def test_nothing_to_say() -> None:
    """An empty capture gives an empty site file."""
    text = drafted().text(["x.pcap"])
    assert entries(text) == ["[]"]
    assert not inferred().proposals
