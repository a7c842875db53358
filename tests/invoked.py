"""The command line run in this process, so that a test can put things in its way."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from auditor.cli import main


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    status: int
    stdout: str
    stderr: str


def auditor(*arguments: object) -> Run:
    """Run `auditor ARGUMENTS...`; an exception that is a bug comes through."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments], prog_name="auditor")
    status = ended.value.code
    assert isinstance(status, int)
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return Run(status, *texts)
