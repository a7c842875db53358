"""Lines of the NetScaler command line as `ns.conf` holds them: words, options, three quotations.

The quotation rules are those of the appliance's command line: `"..."` and `'...'` with backslash
escapes, and `q/.../` with any of a dozen delimiters and no escapes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from auditor.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_LONGEST = 64 * 1024
"""Characters of a line; the command line itself takes a fraction of that."""

_GAP = re.compile(r"\s*")
_OPTION = re.compile(r"-[A-Za-z]\S*")
_PLAIN = re.compile(r"\S+")
_QUOTED = re.compile(r"""(["'])((?:\\.|(?!\1)[^\\])*)\1""")
_ESCAPE = re.compile(r"\\(.)")
_Q_MARKS = {mark: mark for mark in "/|~$^+=&%@`?"} | {"{": "}", "<": ">"}
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Command:
    """One line, taken apart."""

    line: int
    head: str
    """The words that name the command, in lower case: `add lb vserver`."""
    words: tuple[str, ...]
    """What follows them up to the first option."""
    options: dict[str, str]
    """Option in lower case, with its hyphen -> its first value, `` where it has none."""

    def word(self, index: int, what: str) -> str:
        """Give a plain word; raise ValueError where the line ends before it."""
        if index >= len(self.words):
            raise ValueError(f"expected {what}, found the end of the words")
        return self.words[index]


def read_commands(
    text: str, heads: Collection[str], path: str, notes: list[Problem]
) -> Iterator[Command]:
    """Take apart the lines whose command is among `heads`; the others are not even looked at.

    A line that breaks the rules of quotation becomes a note.
    """
    for number, line in enumerate(text.split("\n"), 1):
        first = line[:200].lower().split(None, 3)
        head = next((name for count in (3, 2) if (name := " ".join(first[:count])) in heads), None)
        if head is None:
            continue
        try:
            words = split_words(line.rstrip())[head.count(" ") + 1 :]
        except ValueError as error:
            notes.append(Problem(path, number, f"{head}: {error}"))
            continue
        yield _command(number, head, words)


def split_words(line: str) -> list[str]:
    """Split a line into words without their quotation; raise ValueError with the reason.

    An option keeps its hyphen; a quoted word that begins with one is marked by nothing, since no
    name does.
    """
    if len(line) > _LONGEST:
        raise ValueError(f"expected a command, found a line of {len(line):,} characters")
    words = []
    position = _skip(line, 0)
    while position < len(line):
        word, position = _word(line, position)
        words.append(word)
        position = _skip(line, position)
    return words


def _skip(line: str, position: int) -> int:
    gap = _GAP.match(line, position)
    return gap.end() if gap else position


def _word(line: str, position: int) -> tuple[str, int]:
    if line[position] in "\"'":
        found = _QUOTED.match(line, position)
        if found is None:
            raise ValueError("expected the end of a quotation, found the end of the line")
        return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[0]), found[2]), found.end()
    if line[position] == "q" and line[position + 1 : position + 2] in _Q_MARKS:
        end = line.find(_Q_MARKS[line[position + 1]], position + 2)
        if end != -1 and line[end + 1 : end + 2] in {"", " ", "\t"}:
            return line[position + 2 : end], end + 1
    found = _PLAIN.match(line, position)
    assert found is not None
    return found[0], found.end()


def _command(number: int, head: str, words: list[str]) -> Command:
    names = [index for index, word in enumerate(words) if _OPTION.fullmatch(word)]
    options = {}
    for index, following in pairwise((*names, len(words))):
        # Of a list of values the first is enough: hosts are never listed.
        options[words[index].lower()] = words[index + 1] if index + 1 < following else ""
    plain = words[: names[0]] if names else words
    return Command(number, head, tuple(plain), options)
