"""What it takes to listen, and giving it up for good once the interfaces are open."""

from __future__ import annotations

import ctypes
import os
import socket
import sys

from auditor.errors import AuditError, UsageError

_PR_SET_NO_NEW_PRIVS = 38

_ADVICE = {
    "linux": (
        "run it as root with --user, as the service auditor-live@.service, or join the group "
        "that may run dumpcap (`sudo usermod -aG wireshark USER`, then log in again)"
    ),
    "darwin": "install Wireshark with ChmodBPF, or run it with sudo",
    "win32": "install Wireshark with Npcap",
}


def permission_advice() -> str:
    """Say what to grant or to install so that this machine lets itself be listened to."""
    return _ADVICE.get(sys.platform, "install Wireshark's dumpcap, or run it as root")


def drop_privileges(user: str) -> None:
    """Become `user`, and make sure that there is no way back.

    To be called from the main thread before others start, when all that takes privileges is open.
    Raise UsageError where that cannot be done, AuditError if it was done and was not enough.
    """
    if sys.platform == "win32":
        raise UsageError("--user: expected a system where programs can change user, found Windows")
    import pwd  # noqa: PLC0415 - not on Windows

    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise UsageError(f"--user {user!r}: expected a user of this machine, found none") from None
    if entry.pw_uid == 0:
        raise UsageError(f"--user {user!r}: expected a user without privileges, found root")
    if os.geteuid() != 0:
        raise UsageError(f"--user {user!r}: expected to be started as root, found another user")
    try:
        _allow_no_new_ones()
        os.initgroups(user, entry.pw_gid)
        os.setgid(entry.pw_gid)
        # With the last user id that is root's, the kernel clears all capabilities.
        os.setuid(entry.pw_uid)
    except OSError as error:
        reason = f"expected to become that user, found {error.strerror or error}"
        raise UsageError(f"--user {user!r}: {reason}") from None
    kept = _still_possible()
    if kept:
        raise AuditError(f"--user {user!r}: expected to have lost privileges, found that {kept}")


def _allow_no_new_ones() -> None:
    """Keep this process and its children from gaining privileges by running programs (Linux)."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _still_possible() -> str:
    """Try what must fail now; say what did not."""
    try:
        os.setuid(0)
    except PermissionError:
        pass
    else:
        return "this can be root again"
    if sys.platform == "linux":
        try:
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
        except PermissionError:
            pass
        else:
            return "this can still listen to interfaces"
    return ""
