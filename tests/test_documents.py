"""Documents that people write: typed values with their lines, usual slips in plain words."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.documents import Document, Scalar
from auditor.errors import DocumentError, SiteError

_LAUGHS = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)


def mistakes(document: Document) -> list[str]:
    """List what is wrong with a document, each as `line: message`."""
    with pytest.raises(document.error) as caught:
        document.finish()
    return [f"{problem.line}: {problem.message}" for problem in caught.value.problems]


def refusal(text: str) -> str:
    """Give the one mistake for which a text is no document."""
    with pytest.raises(DocumentError) as caught:
        Document("file").parse(text)
    (problem,) = caught.value.problems
    return str(problem)


def test_values() -> None:
    """Values are given as asked for, as written, with the lines on which they stand."""
    top = Document("file").parse(
        "word: ab\ncount: 12\nday: 2027-01-31\non: Yes\nlist:\n- 0x10\n-  1:30\nalone: x\nempty:\n"
    )
    assert top.text("word") == "ab"
    assert top.number("count") == 12
    assert top.day("day") == date(2027, 1, 31)
    assert top.flag("on", default=False)
    assert top.scalars("list") == [Scalar("0x10", 6), Scalar("1:30", 7)]
    assert top.texts("alone") == ("x",)
    assert "empty" not in top
    assert "empty" in top.keys()  # noqa: SIM118 - whether it is written, not whether it says a thing
    assert top.line_of("alone") == 8


def test_absent_values() -> None:
    """What is absent has its default."""
    top = Document("file").parse("x: 1")
    assert (top.text("a", "b"), top.number("a"), top.day("a")) == ("b", None, None)
    assert (top.scalars("a"), top.entries("a"), top.entry("a")) == ([], [], None)
    assert top.flag("a", default=True)
    assert top.choice("a", ["b", "c"], "c") == "c"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n\tb: 1", "file:2: a tab where YAML wants spaces"),
        ("a: *.x", "file:1: a value that begins with '*' wants quotes"),
        ("a: *x", "file:1: a value that begins with '*' wants quotes"),
        ("a: [::1]", "file:1: a value that begins or ends with ':' wants quotes"),
        ("a: [fe80::]", "file:1: a value that begins or ends with ':' wants quotes"),
        ("a: @any", "file:1: a value that begins with '@' wants quotes"),
        ("x: y: z", "file:1: a second ': ' in a line, or one indented by mistake"),
        ("a: x\n b: y", "file:2: a second ': ' in a line, or one indented by mistake"),
        ("- a", "file:1: expected a mapping (key: value) at the top"),
        ("", "file:1: expected a mapping (key: value) at the top"),
        ("a: " + "[" * 100_000, "file: nested more than 100 levels deep"),
        ("- " * 100_000, "file: nested more than 100 levels deep"),
        (f"a: &a [{'x,' * 1000}]\nb: [{'*a,' * 200}]", "file: its references repeat more than"),
        (_LAUGHS, "file: its references repeat more than"),
        ("a: \x00", "file: not YAML: "),
        ("a: 1\n---\nb: 2", "file:2: but found another document"),
    ],
)
def test_no_document(text: str, message: str) -> None:
    """What is no YAML mapping is refused in words that name the remedy."""
    assert refusal(text).startswith(message)


def test_deep_but_harmless() -> None:
    """Many brackets and long lines are no depth."""
    top = Document("file").parse(f"a: [{'[],' * 2000}]\nb: {'x' * 5000}\n")
    assert len(top.text("b")) == 5000


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda top: top.number("word"), "1: 'word': expected a whole number, found 'x'"),
        (lambda top: top.number("long"), f"6: 'long': expected a whole number, found '{'9' * 40}'"),
        (lambda top: top.day("word"), "1: 'word': expected a date as 2027-01-31, found 'x'"),
        (lambda top: top.flag("word", default=True), "1: 'word': expected true or false"),
        (lambda top: top.text("list"), "2: 'list': expected a plain value"),
        (lambda top: top.scalars("pairs"), "5: 'pairs': expected a plain value; one that ends in"),
        (lambda top: top.entries("word"), "1: 'word': expected a list of entries"),
        (lambda top: top.entries("list"), "3: 'list': expected key: value pairs"),
        (lambda top: top.entry("word"), "1: 'word': expected key: value pairs"),
        (lambda top: top.required("none"), "1: 'none' is missing"),
        (lambda top: top.choice("word", ["xy", "z"], "z"), "1: 'word': 'x' is not known; did you"),
        (lambda top: top.choice("word", ["abc"], ""), "1: 'word': 'x' is not known; expected one"),
        (lambda top: top.allow(["words", "list", "pairs", "long"]), "1: unknown key 'word'; did"),
    ],
)
def test_mistake(ask: object, message: str) -> None:
    """A value of another kind than asked for is noted with its line, and reading goes on."""
    document = Document("file")
    assert callable(ask)
    ask(document.parse(f"word: x\nlist: [\na]\npairs:\n- k::\nlong: {'9' * 5000}\n"))
    (mistake,) = mistakes(document)
    assert mistake.startswith(message)


def test_mistakes_in_order() -> None:
    """All mistakes are raised at once, as the error asked for, in the order of the lines."""
    document = Document("file", SiteError)
    top = document.parse("b: x\na: y\nb: z\n? [k]\n: v\n")
    top.number("a")
    top.number("b")
    assert [mistake.partition(":")[0] for mistake in mistakes(document)] == ["1", "2", "3", "4"]


@given(st.text(alphabet=" \n\t-:?{}[]'\"&*!|>%@#a0\x00\u2028\ufeff", max_size=80))
def test_any_text(text: str) -> None:
    """Any text is a document, or is refused with at least one reason."""
    document = Document("file")
    try:
        document.parse(text)
    except DocumentError as error:
        problems = error.problems
    else:
        problems = ()
    assert problems == tuple(sorted(problems, key=lambda problem: problem.line or 0))
