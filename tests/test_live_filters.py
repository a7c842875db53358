"""Filter expressions, compiled for the kernel."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("fcntl", reason="filters for the kernel are Linux's")

from auditor.capture.live.filters import compile_filter
from auditor.capture.live.interfaces import LINKTYPE_LINUX_SLL2
from auditor.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

needs_tcpdump = pytest.mark.skipif(not shutil.which("tcpdump"), reason="needs tcpdump")


@needs_tcpdump
def test_a_filter_becomes_instructions() -> None:
    """Without a link header the first byte is that of IP; the last instructions return."""
    program = compile_filter("udp port 53", "any", LINKTYPE_LINUX_SLL2)

    load_first_byte, answer = 0x30, 0x06
    assert program[0].item() == (load_first_byte, 0, 0, 0)
    assert set(program["code"][-2:].tolist()) == {answer}
    assert program["value"][-1] == 0


@needs_tcpdump
@pytest.mark.parametrize("expression", ["tcp prt 80", "-i", "host 1.2.3.4.5", "ether src 1"])
def test_an_expression_that_is_none_is_the_users_mistake(expression: str) -> None:
    """With the compiler's reason, in one line."""
    with pytest.raises(UsageError, match=r"^--bpf '[^\n]+': [^\n]+$"):
        compile_filter(expression, "any", LINKTYPE_LINUX_SLL2)


@pytest.mark.parametrize("answer", ["", "2\n6 0 0 1\n", "1\n6 0 0\n", "one\n", "1\n6 0 999 0\n"])
def test_a_compiler_that_prints_something_else_is_not_believed(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No program rather than half of one."""
    _stand_in(tmp_path, f"printf '{answer}'", monkeypatch)

    with pytest.raises(CaptureError, match="expected a filter program from tcpdump"):
        compile_filter("udp", "any", LINKTYPE_LINUX_SLL2)


def test_without_tcpdump_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of a live audit does not need it."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(CaptureError, match="expected tcpdump, which compiles --bpf; install it"):
        compile_filter("udp", "any", LINKTYPE_LINUX_SLL2)


def _stand_in(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "tcpdump"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
