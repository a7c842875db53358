"""Privileges, given up for good; each time in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from auditor.capture.live import drop_privileges
from auditor.errors import UsageError

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to give it up"
)
not_windows = pytest.mark.skipif(sys.platform == "win32", reason="users are another matter there")


def _run(script: str) -> str:
    """Run a script as root; return what it prints."""
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        check=True,
        capture_output=True,
        text=True,
    )
    return answer.stdout


@needs_root
def test_nothing_is_left_of_root() -> None:
    """Neither ids nor groups nor capabilities, and programs that are run give none."""
    told = _run("""
        import os, pwd
        from auditor.capture.live import drop_privileges
        drop_privileges("nobody")
        nobody = pwd.getpwnam("nobody")
        assert set(os.getresuid()) == {nobody.pw_uid}
        assert set(os.getresgid()) == {nobody.pw_gid}
        assert 0 not in os.getgroups()
        print(open("/proc/self/status").read())
    """)

    status = dict(line.split(":\t") for line in told.splitlines() if ":\t" in line)
    for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
        assert int(status[kind], 16) == 0
    assert status["NoNewPrivs"] == "1"


@needs_root
def test_who_may_not_listen_is_told_what_to_grant(tmp_path: object) -> None:
    """With a dumpcap that may not either, and with none."""
    told = _run(f"""
        import os
        import auditor.capture.live.ring  # Python may lie where only root can read
        from auditor.capture.live import LiveOptions, drop_privileges, open_live
        from auditor.errors import CaptureError
        drop_privileges("nobody")
        for path in (os.environ["PATH"], {str(tmp_path)!r}):
            os.environ["PATH"] = path
            try:
                open_live("lo", LiveOptions(ring_mb=1))
            except CaptureError as error:
                print(error)
    """)

    lines = told.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.startswith("lo: expected to be allowed to listen, found ")
        assert "auditor-live@.service" in line
        assert "usermod -aG wireshark" in line


@needs_root
@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("root", "expected a user without privileges, found root"),
        ("no such user", "expected a user of this machine, found none"),
    ],
)
def test_a_user_that_makes_no_sense_is_refused(user: str, found: str) -> None:
    """Before anything has changed."""
    with pytest.raises(UsageError, match=f"^--user '{user}': {found}$"):
        drop_privileges(user)
    assert os.geteuid() == 0


@needs_root
def test_only_root_can_become_another_user() -> None:
    """Anybody else is told so."""
    told = _run("""
        from auditor.capture.live import drop_privileges
        from auditor.errors import UsageError
        drop_privileges("nobody")
        try:
            drop_privileges("daemon")
        except UsageError as error:
            print(error)
    """)

    assert told == "--user 'daemon': expected to be started as root, found another user\n"


@not_windows
def test_windows_has_no_such_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said rather than ignored."""
    monkeypatch.setattr("sys.platform", "win32")

    with pytest.raises(UsageError, match=r"--user: .*Windows"):
        drop_privileges("nobody")
