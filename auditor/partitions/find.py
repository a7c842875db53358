"""Which sources are flows that a watch wrote, told by name and first bytes; loads no library."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.capture.reader import STDIN
from auditor.capture.sources import find_captures
from auditor.capture.urls import is_url
from auditor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAGIC = b"PAR1"
_BELOW = ("", "hour=*", "date=*/hour=*")
"""Where parts lie in what one may name: an hour, a day, all."""


def find_partitions(sources: Sequence[str]) -> list[Path]:
    """List the files of flows that sources mean, each once; none if they mean captures.

    Raises UsageError if they mean both.
    """
    found: dict[Path, None] = {}
    others = []
    for source in sources:
        paths = list(_meant(source))
        found.update(dict.fromkeys(paths))
        if not paths:
            others.append(source)
        elif Path(source).is_dir() and find_captures([source]).names:
            raise UsageError(
                f"{source}: expected captures or flows of a watch, found both: name them apart, "
                "such as the captures by their suffix"
            )
    if found and others:
        raise UsageError(
            f"{others[0]}: expected flows of a watch, as the other sources are: captures are "
            "audited apart from them"
        )
    return list(found)


def _meant(source: str) -> Iterator[Path]:
    if source == STDIN or is_url(source) or "\0" in source or not source:
        return
    names = [source]
    if glob.has_magic(source) and not Path(source).exists():
        names = sorted(glob.glob(source, recursive=True))  # noqa: PTH207 - Path.glob refuses absolute ones
    for name in names:
        path = Path(name)
        if path.is_dir():
            for below in _BELOW:
                yield from sorted(path.glob(f"{below}/part-*.parquet".lstrip("/")))
        elif _is_parquet(path):
            yield path


def _is_parquet(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False
