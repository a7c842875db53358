"""Rule files are read into one catalog, and every mistake is reported where it stands."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from auditor.catalog.load import list_editions, load_catalog
from auditor.catalog.model import ANY_CITRIX
from auditor.errors import RulesError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

RULE = """\
product: Test
rules:
  - id: extra
    from: vda
    to: ddc
    services: [tcp/4711]
    purpose: Something of this site
"""


def write(directory: Path, name: str, text: str) -> Path:
    """Write a file below a directory."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return path


def mistakes(directory: Path) -> list[str]:
    """Load a directory over the shipped rules and list its mistakes as `file:line: message`."""
    with pytest.raises(RulesError) as caught:
        load_catalog([directory])
    return [str(problem).replace(f"{directory}/", "") for problem in caught.value.problems]


def test_shipped_rules() -> None:
    """The shipped rules load without a mistake and know where each of them stands."""
    catalog = load_catalog()

    assert catalog.edition == "citrix-adc"
    assert len(catalog.by_id) == len(catalog.rules)
    assert all(".yaml:" in rule.source for rule in catalog.rules)
    rows = [rule.row or 0 for rule in catalog.rules if rule.pack == "paper"]
    assert rows == sorted(rows)


def test_wildcard_stands_for_components() -> None:
    """Any Citrix component is every role marked so, but the license server that is called."""
    catalog = load_catalog()
    (rule,) = [rule for rule in catalog.rules if rule.row == 192]

    assert rule.sources == (ANY_CITRIX,)
    assert {"vda", "ddc", "adm-license-server"} <= catalog.any_citrix
    assert not {"license-server", "admin-workstation", "sql-server"} & catalog.any_citrix


def test_directory_adds(tmp_path: Path) -> None:
    """A directory adds rules, roles and features of its own; they are the site's."""
    write(
        tmp_path,
        "roles.yaml",
        """\
        roles:
          - {id: printer, display: A printer, product: common, kind: thirdparty, implies: [nas]}
        """,
    )
    write(tmp_path, "features.yaml", "features: [{id: printing, meaning: There are printers}]")
    write(
        tmp_path,
        "deep/down/rules.yaml",
        """\
        product: Printing
        rules:
          - id: print
            from: [vda, user-device]
            to: printer
            services: [tcp/9100, tcp/515-516]
            purpose: Print
            need: conditional
            condition: there are printers
            feature: printing
            group: printing
            names: ["*.print.example"]
        """,
    )
    plain = load_catalog()
    catalog = load_catalog([tmp_path])

    rule = catalog.by_id["print"]
    assert (rule.pack, rule.origin, rule.row, rule.group) == ("site", "site", None, "printing")
    assert [str(service) for service in rule.services] == ["tcp/9100", "tcp/515-516"]
    assert catalog.closure(frozenset({"printer"})) == {"printer", "nas"}
    assert catalog.features["printing"].meaning == "There are printers"
    assert len(catalog.rules) == len(plain.rules) + 1
    assert catalog.digest != plain.digest


def test_directory_replaces(tmp_path: Path) -> None:
    """A rule of the same id takes the shipped rule's place; a later directory wins."""
    for name, port in (("one", 7000), ("two", 7001)):
        write(tmp_path / name, "paper/x.yaml", RULE.replace("extra", "pvs-streaming\n    row: 281"))
        path = tmp_path / name / "paper" / "x.yaml"
        path.write_text(path.read_text().replace("4711", str(port)))
    catalog = load_catalog([tmp_path / "one", tmp_path / "two"])

    rule = catalog.by_id["pvs-streaming"]
    assert [str(service) for service in rule.services] == ["tcp/7001"]
    assert (rule.pack, rule.product) == ("paper", "Test")
    assert len(catalog.rules) == len(load_catalog().rules)


def test_digest_rests_on_content(tmp_path: Path) -> None:
    """The digest is the same for the same bytes and another for other bytes."""
    path = write(tmp_path, "rules.yaml", RULE)
    first = load_catalog([tmp_path]).digest

    assert load_catalog([tmp_path]).digest == first
    path.write_text(RULE + "# a remark\n")
    assert load_catalog([tmp_path]).digest != first


def test_pack_of_a_file(tmp_path: Path) -> None:
    """A file says its pack itself, or by the directory at the top that it stands in."""
    page = "\n    page: https://docs.example/ports"
    write(tmp_path, "vendor/a.yaml", RULE.replace("extra", "a" + page))
    write(tmp_path, "b.yaml", "pack: ambient\n" + RULE.replace("extra", "b" + page))
    write(tmp_path, "c.yaml", RULE.replace("extra", "c"))
    catalog = load_catalog([tmp_path])

    assert [(catalog.by_id[i].pack, catalog.by_id[i].origin) for i in "abc"] == [
        ("vendor", "page"),
        ("ambient", "page"),
        ("site", "site"),
    ]


def test_editions(tmp_path: Path) -> None:
    """Another edition of the paper stands beside the shipped one under the same ids."""
    write(
        tmp_path,
        "paper/other.yaml",
        "edition: newer\n" + RULE.replace("extra", "adc-ssh\n    row: 7").replace("4711", "2222"),
    )

    assert list_editions([tmp_path]) == ["citrix-adc", "newer"]
    assert str(load_catalog([tmp_path]).by_id["adc-ssh"].services[0]) == "tcp/22"
    newer = load_catalog([tmp_path], edition="newer")
    assert newer.edition == "newer"
    assert [rule.id for rule in newer.rules if rule.pack == "paper"] == ["adc-ssh"]
    assert newer.features["adc-ha"].proven_by == ()


def test_unknown_edition() -> None:
    """An edition that no file belongs to is wrong usage, and the known ones are named."""
    with pytest.raises(UsageError, match=r"'2031' is not known; the rules hold citrix-adc"):
        load_catalog(edition="2031")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("id: extra", "id: Extra!", 3, "expected lower-case words joined by hyphens"),
        ("- id: extra\n    from", "- from", 3, "'id' is missing"),
        ("from: vda", "from: vdi", 4, "no such role: 'vdi'; did you mean 'vda'?"),
        ("from: vda", "form: vda", 4, "unknown key 'form'; did you mean 'from'?"),
        ("from: vda", "to: vda", 5, "key 'to' stands here and in line 4"),
        ("to: ddc", "to: [ddc, '@all']", 5, "no such role: '@all'"),
        ("to: ddc", "to: []", 5, "'to' is missing"),
        ("to: ddc", "to: {ddc: 1}", 5, "expected a plain value"),
        ("tcp/4711", "tcp/0", 6, "between 1 and 65535, found 0"),
        ("tcp/4711", "tcp/65536", 6, "between 1 and 65535, found 65536"),
        ("tcp/4711", "udp/90-80", 6, "the range 90-80 runs backwards"),
        ("tcp/4711", "tcp/http", 6, "expected a port or a range"),
        ("tcp/4711", "tcp", 6, "without a port would match every port"),
        ("tcp/4711", "tcp/1, tcp/1", 6, "tcp/1 stands here twice"),
        ("services: [tcp/4711]\n    ", "", 3, "'services' is missing"),
        ("purpose: Something of this site", "note: n", 3, "'purpose' is missing"),
        ("purpose: Something", "row: 3\n    purpose: S", 7, "only the paper has rows"),
        ("purpose: Something", "caveats: [wet]\n    purpose: S", 7, "no such caveat: 'wet'"),
        ("purpose: Something", "caveats: [broadcast]\n    purpose: S", 7, "said of a flow"),
        ("purpose: Something", "caveats: [icmp]\n    purpose: S", 7, "here it does not"),
        ("purpose: Something", "caveats: [possibly-insecure]\n    purpose: S", 7, "'secure-twin'"),
        ("purpose: Something", "secure-twin: gone\n    purpose: S", 7, "no such rule: 'gone'"),
        ("purpose: Something", "secure-twin: adc-ssh\n    purpose: S", 7, "for other roles"),
        ("purpose: Something", "need: urgent\n    purpose: S", 7, "'urgent' is not known"),
        ("purpose: Something", "need: conditional\n    purpose: S", 7, "'condition' is missing"),
        ("purpose: Something", "feature: edt\n    purpose: S", 7, "decides a conditional need"),
        (
            "purpose: Something",
            "feature: etd\n    need: conditional\n    condition: c\n    purpose: S",
            7,
            "no such feature: 'etd'; did you mean 'edt'?",
        ),
        ("purpose: Something", "basis: guessed\n    purpose: S", 7, "'guessed' is not known"),
        ("purpose: Something", "origin: table\n    purpose: S", 7, "'table' is not known"),
        ("purpose: Something", "cadence: 0\n    purpose: S", 7, "expected seconds above 0"),
        ("purpose: Something", "cadence: day\n    purpose: S", 7, "expected a whole number"),
        ("purpose: Something", "one-way: maybe\n    purpose: S", 7, "expected true or false"),
        (
            "purpose: Something",
            "names: ['*']\n    purpose: S",
            7,
            "expected a lower-case host name",
        ),
        (
            "purpose: Something",
            "names: [A.de]\n    purpose: S",
            7,
            "expected a lower-case host name",
        ),
        ("purpose: Something", "names-any-depth: true\n    purpose: S", 7, "without 'names'"),
        ("purpose: Something", "page: http://x\n    purpose: S", 7, "expected an https:// address"),
        ("purpose: Something", "also-in: [nowhere]\n    purpose: S", 7, "no rule forms the group"),
        ("purpose: Something", "inherited-from: 9\n    purpose: S", 7, "no rule has row 9"),
        (
            "purpose: Something",
            "group: adc-gui\n    group-mode: all\n    purpose: S",
            8,
            "group 'adc-gui' is 'all' here and 'any' in",
        ),
        ("product: Test", "product: Test\npack: mine", 2, "'mine' is not known"),
        ("product: Test", "product: Test\nedition: x", 2, "only the paper has editions"),
        ("product: Test\n", "", 1, "'product' is missing"),
        ("product: Test\nrules:\n", "", 1, "expected a mapping"),
        ("from: vda", "\tfrom: vda", 4, "tab"),
    ],
)
def test_mistake_in_a_rule(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    """A mistake is reported with the line at which it stands and with what was expected."""
    assert old in RULE
    write(tmp_path, "rules.yaml", RULE.replace(old, new))

    found = mistakes(tmp_path)
    assert any(f.startswith(f"rules.yaml:{line}: ") and message in f for f in found), found


@pytest.mark.parametrize(
    ("pack", "message"),
    [
        ("paper", "'row' is missing: a rule of the paper names its line"),
        ("vendor", "'page' is missing: the address that states the rule"),
        ("ambient", "'page' is missing: the address that states the rule"),
    ],
)
def test_authority_is_named(tmp_path: Path, pack: str, message: str) -> None:
    """A rule of the paper names its row, one of another document its page."""
    write(tmp_path, f"{pack}/rules.yaml", RULE)

    assert mistakes(tmp_path) == [f"{pack}/rules.yaml:3: {message}"]


def test_any_host_is_not_for_the_paper(tmp_path: Path) -> None:
    """The paper names roles; only other packs may speak of any host."""
    text = RULE.replace("vda", "'@any'").replace("extra", "extra\n    row: 5")
    write(tmp_path, "paper/rules.yaml", text)

    assert mistakes(tmp_path) == ["paper/rules.yaml:5: @any has no place in the paper"]


def test_mistakes_of_all_files_at_once(tmp_path: Path) -> None:
    """Every mistake of every file is reported, in the order of files and lines."""
    write(tmp_path, "a.yaml", RULE.replace("vda", "vdi").replace("4711", "0"))
    write(tmp_path, "b.yaml", "rules: ]")
    write(tmp_path, "c.yaml", RULE.replace("extra", "other").replace("purpose", "porpoise"))
    write(tmp_path, "roles.yaml", "roles: [{id: x, display: X, product: common, kind: demon}]")

    places = [mistake.partition(": ")[0] for mistake in mistakes(tmp_path)]
    assert places == ["roles.yaml:1", "a.yaml:4", "a.yaml:6", "b.yaml:1", "c.yaml:3", "c.yaml:7"]


def test_duplicate_id(tmp_path: Path) -> None:
    """An id that stands twice in a directory is reported with both places."""
    write(tmp_path, "a.yaml", RULE)
    write(tmp_path, "b.yaml", RULE)

    (mistake,) = mistakes(tmp_path)
    assert mistake == f"b.yaml:3: 'extra' stands here and in {tmp_path}/a.yaml:3".replace(
        f"{tmp_path}/", ""
    )


def test_circle_of_roles(tmp_path: Path) -> None:
    """Roles that imply each other in a circle are reported once, with the circle."""
    write(
        tmp_path,
        "roles.yaml",
        """\
        roles:
          - {id: a, display: A, product: common, kind: server, implies: [b]}
          - {id: b, display: B, product: common, kind: server, implies: [c, vda]}
          - {id: c, display: C, product: common, kind: server, implies: [a]}
          - {id: d, display: D, product: common, kind: server, implies: [e]}
        """,
    )

    assert mistakes(tmp_path) == [
        "roles.yaml:2: 'implies' runs in a circle: a -> b -> c -> a",
        "roles.yaml:5: 'implies': no such role: 'e'",
    ]


def test_idle_feature(tmp_path: Path) -> None:
    """A feature that refers to nothing, or to which nothing refers, is a mistake."""
    write(
        tmp_path,
        "features.yaml",
        """\
        features:
          - {id: idle, meaning: Nothing}
          - {id: lost, meaning: Nothing, expects: [no-such-rule]}
        """,
    )

    assert mistakes(tmp_path) == [
        "features.yaml:2: the feature 'idle' decides nothing: no rule names it",
        "features.yaml:3: 'expects': no such rule: 'no-such-rule'",
    ]


def test_session_paths(tmp_path: Path) -> None:
    """A path that refers to nothing, or to what another path has, is a mistake at its line."""
    write(
        tmp_path,
        "sessions.yaml",
        """\
        paths:
          - id: other
            rules:
              - no-such-rule
              - workspace-ica
            notes: [{rules: [gateway-ica], says: Odd}]
          - {id: bare}
        """,
    )

    assert mistakes(tmp_path) == [
        "sessions.yaml:4: 'rules': no such rule: 'no-such-rule'",
        "sessions.yaml:5: 'rules': 'workspace-ica' stands in the path 'direct' too",
        "sessions.yaml:6: 'rules': 'gateway-ica' is no rule of the path",
        "sessions.yaml:7: 'rules' is missing",
    ]


def test_session_path_is_replaced(tmp_path: Path) -> None:
    """A path with a known id stands for the shipped one, as everything else does."""
    write(tmp_path, "sessions.yaml", "paths: [{id: direct, rules: [workspace-cgp]}]")
    paths = {path.id: path.rules for path in load_catalog([tmp_path]).session_paths}

    assert paths["direct"] == ("workspace-cgp",)
    assert "gateway-cgp" in paths["gateway"]


def test_no_directory(tmp_path: Path) -> None:
    """A directory that is not there, or that holds no rules, is named."""
    with pytest.raises(RulesError, match="gone: expected a directory of rule files"):
        load_catalog([tmp_path / "gone"])
    with pytest.raises(RulesError, match=r"holds no rule files \(\*.yaml\)"):
        load_catalog([tmp_path])


def test_not_text(tmp_path: Path) -> None:
    """A file that is no text is refused with the byte that is not."""
    (tmp_path / "rules.yaml").write_bytes(b"product: \xff\n")

    assert mistakes(tmp_path) == ["rules.yaml: expected UTF-8 text, found byte 0xff at offset 9"]
