"""`auditor catalog` and `auditor explain`, as typed."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from auditor.cli import main
from auditor.errors import EXIT_CLEAN, EXIT_INPUT, EXIT_USAGE

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


def run(*arguments: str) -> str:
    """Run a command that succeeds and give what it prints."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == EXIT_CLEAN, result.output
    return result.stdout


def refusal(status: int, *arguments: str) -> str:
    """Run a command that fails with a status and give what it complains of."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == status
    assert result.stdout == ""
    return result.stderr


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Make a directory of one rule."""
    (tmp_path / "rules.yaml").write_text(RULE)
    return tmp_path


def test_list_fits() -> None:
    """The list of all rules has every one of them and fits 100 columns."""
    lines = run("catalog", "list").splitlines()

    assert lines[0].split() == ["line", "services", "from", "to", "rule"]
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("l.334") for line in lines)


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--row", "36"], {"l.36"}),
        (["--port", "8287"], {"l.304", "l.331"}),
        (["--port", "udp/123", "--pack", "paper"], {"l.59", "l.167"}),
        (["--product", "session rec", "--pack", "paper"], {"l.292", "l.293", "l.294"}),
        (["--role", "wem-monitor"], {"l.192", "l.193", "l.331"}),
        (["--role", "vda", "--port", "9001"], {"l.248"}),
        (["--row", "12"], set()),
    ],
)
def test_list_filters(options: list[str], rows: set[str]) -> None:
    """Filters leave the rules that meet all of them."""
    lines = run("catalog", "list", *options).splitlines()

    assert {line.split()[0] for line in lines if line.startswith("l.")} == rows


def test_list_counts() -> None:
    """A list ends with how many rules of how many it shows."""
    assert run("catalog", "list", "--row", "36").splitlines()[-1].startswith("2 rules of ")


def test_list_of_added_rules(directory: Path) -> None:
    """Rules of a directory are listed beside the shipped ones."""
    assert "tcp/4711" in run("catalog", "list", "--catalog", str(directory), "--pack", "site")


def test_outline() -> None:
    """Without an argument the features are listed, each with its meaning and its rules."""
    text = run("catalog", "show")

    assert "  adc-ha\n      ADCs form a high-availability pair." in text
    assert "Proven by traffic of: udp/3003 (l.19)." in text
    assert "paper    227 rules" in text


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("pvs-streaming", "udp/6910-6930  pvs-target -> pvs  [pvs-streaming]"),
        ("281", "[pvs-streaming]"),
        ("6915", "[pvs-streaming]"),
        ("l.36", "[adc-gui-https]"),
        ("tcp/8082", "[license-server-console]"),
        ("gateway-directory", "[gateway-global-catalog-tls]"),
        ("ddc", "ddc: Delivery Controller (DDC Controller) (server, CVAD)"),
        ("xenmobile", "Line 130 of the paper only links to its ports."),
        ("edt", "One of these expected while it is on\n  l.143   udp/1494"),
        ("roles", "pvs-console"),
        ("73", "Forbidden, on every service."),
    ],
)
def test_show(what: str, found: str) -> None:
    """One entry is shown by its name, its line or its port."""
    assert found in run("catalog", "show", what)


def test_show_tells_lines_from_ports() -> None:
    """A number that is both a line and a port shows both; a prefix leaves one."""
    assert {"[adm-ssh]", "[adc-name-resolution]"} <= set(run("catalog", "show", "53").split())
    assert "[adc-name-resolution]" not in run("catalog", "show", "l.53")
    assert "[adm-ssh]" not in run("catalog", "show", "tcp/53")


def test_check(directory: Path) -> None:
    """A check without mistakes says what it has read."""
    assert run("catalog", "check").endswith("no mistakes\n")
    assert "71 roles and 17 features" in run("catalog", "check", str(directory))


def test_check_finds(directory: Path) -> None:
    """A check with mistakes lists every one of them and ends as an unreadable input does."""
    path = directory / "rules.yaml"
    path.write_text(RULE.replace("vda", "vdi").replace("4711", "0"))

    assert refusal(EXIT_INPUT, "catalog", "check", str(directory)).splitlines() == [
        f"auditor: {path}:4: 'from': no such role: 'vdi'; did you mean 'vda'?",
        f"auditor: {path}:6: 'services': a port lies between 1 and 65535, found 0",
    ]


def test_export_to_screen_and_file(tmp_path: Path) -> None:
    """An export goes to standard output, or with the same bytes to a file."""
    text = run("catalog", "export", "--format", "csv")
    run("catalog", "export", "--output", str(tmp_path / "catalog.csv"))

    assert (tmp_path / "catalog.csv").read_bytes() == text.encode()
    assert len(list(csv.DictReader(StringIO(text)))) == 225 + 23


def test_export_of_packs(directory: Path) -> None:
    """An export holds the paper and the site's own rules, or the packs that are asked for."""
    own = run("catalog", "export", "--catalog", str(directory))
    assert "4711,4711" in own
    assert own.count("\n") == 225 + 23 + 2

    only = run("catalog", "export", "--catalog", str(directory), "--pack", "site")
    assert only.count("\n") == 2


def test_export_into_nowhere(tmp_path: Path) -> None:
    """A file that cannot be written is named."""
    path = tmp_path / "gone" / "catalog.csv"

    complaint = refusal(EXIT_INPUT, "catalog", "export", "-o", str(path))
    assert complaint.startswith(f"auditor: {path}: cannot be written: ")


def test_explain() -> None:
    """A port is explained."""
    assert run("explain", "6915").startswith("udp/6910-6930\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["explain", "http"], "explain: expected PORT or PORT/TRANSPORT"),
        (["explain", "0"], "explain: a port lies between 1 and 65535, found 0"),
        (["explain", "80", "--edition", "x"], "edition 'x' is not known"),
        (["catalog", "show", "nonsense"], "'nonsense' is no rule, group, role, feature"),
        (["catalog", "show", "l.12"], "'l.12' is no rule, group, role, feature"),
        (["catalog", "list", "--role", "vdi"], "--role: no such role: 'vdi'"),
        (["catalog", "list", "--port", "tcp"], "--port: expected PORT or PORT/TRANSPORT"),
    ],
)
def test_wrong_usage(arguments: list[str], complaint: str) -> None:
    """A question that cannot be understood is refused in one line."""
    text = refusal(EXIT_USAGE, *arguments)

    assert text.startswith("auditor: ")
    assert complaint in text
    assert text.count("\n") == 1
