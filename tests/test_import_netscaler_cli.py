"""auditor.site.importers.netscaler.cli: lines of the command line taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.site.importers.netscaler.cli import Command, read_commands, split_words

if TYPE_CHECKING:
    from auditor.errors import Problem

HEADS = {"add server", "add lb vserver"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("add server a 10.0.0.1", ["add", "server", "a", "10.0.0.1"]),
        ('add server "SF 01" 10.0.0.1', ["add", "server", "SF 01", "10.0.0.1"]),
        ("add server 'it \"is\"' x", ["add", "server", 'it "is"', "x"]),
        (r'bind x -rule "a \"b\" \\ \t|"', ["bind", "x", "-rule", 'a "b" \\ \t|']),
        ('x q/say "hi" there/ y', ["x", 'say "hi" there', "y"]),
        ("x q{a/b} q<c d> q~e f~", ["x", "a/b", "c d", "e f"]),
        ("x q/unfinished", ["x", "q/unfinished"]),
        ("x q/a/b", ["x", "q/a/b"]),
        ("x query quit", ["x", "query", "quit"]),
        ('x ""', ["x", ""]),
        ("", []),
    ],
)
def test_words_are_taken_out_of_their_quotation(line: str, words: list[str]) -> None:
    """Double and single quotes with escapes, q-quotes of any delimiter, and plain words."""
    assert split_words(line) == words


@pytest.mark.parametrize("line", ['add server "x', "add server 'x", 'add "x\\" y', "'"])
def test_a_quotation_without_end_is_an_error(line: str) -> None:
    """What follows an open quotation cannot be guessed."""
    with pytest.raises(ValueError, match="end of a quotation"):
        split_words(line)


def test_a_line_of_absurd_length_is_an_error() -> None:
    """Nobody types so much, and no time is spent on it."""
    with pytest.raises(ValueError, match="found a line of 100,000 characters"):
        split_words("x" * 100_000)


def test_a_command_has_words_and_options() -> None:
    """Case does not matter; words end at the first option; of listed values the first counts."""
    line = "ADD LB vserver web HTTP 10.0.0.1 80 -persistenceType NONE -logLevel A B -encrypted"
    assert list(read_commands(line, HEADS, "ns.conf", [])) == [
        Command(
            1,
            "add lb vserver",
            ("web", "HTTP", "10.0.0.1", "80"),
            {"-persistencetype": "NONE", "-loglevel": "A", "-encrypted": ""},
        )
    ]


def test_other_commands_are_passed_over() -> None:
    """Lines of no interest are not read, so that their oddities do no harm."""
    text = '# a comment\r\nadd policy x "unfinished\nadd server a 10.0.0.1\r\nadd serverx b'
    notes: list[Problem] = []
    found = list(read_commands(text, HEADS, "ns.conf", notes))
    assert [(command.line, command.words) for command in found] == [(3, ("a", "10.0.0.1"))]
    assert notes == []


def test_a_line_that_cannot_be_read_is_noted_with_its_number() -> None:
    """A broken line of interest is named, and the ones after it count."""
    notes: list[Problem] = []
    text = 'add server "a 10.0.0.1\nadd server b 10.0.0.2'
    assert [command.line for command in read_commands(text, HEADS, "ns.conf", notes)] == [2]
    assert [str(note) for note in notes] == [
        "ns.conf:1: add server: expected the end of a quotation, found the end of the line"
    ]


@given(st.text(alphabet=st.sampled_from("q/{<|~\"'\\ ab-\t(")))
def test_no_line_is_too_odd(line: str) -> None:
    """Any line is words or an error, and no character appears that was not there."""
    try:
        words = split_words(line)
    except ValueError:
        return
    assert set("".join(words)) <= set(line) | {"\t"}


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n\r", codec="utf-8"))))
def test_quoted_words_come_back(words: list[str]) -> None:
    """What the appliance would quote is read as it was."""
    escaped = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words]
    assert split_words(" ".join(f'"{word}"' for word in escaped)) == words
