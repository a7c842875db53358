"""Whatever stands in a rule file, its reader ends with rules or with mistakes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.catalog.rulefile import Vocabulary, read_rule_file
from auditor.documents import Document
from auditor.errors import RulesError

WORDS = Vocabulary(roles={"vda", "ddc"}, features={"edt"})
TEXT = """\
product: Test
rules:
  - id: extra
    from: [vda, "@any-citrix"]
    to: ddc
    services: [tcp/4711, udp/1-9, icmp]
    names: ["*.example.net"]
    purpose: Something of this site
    need: conditional
    condition: the switch is on
    feature: edt
    caveats: [conditional]
    cadence: 60
    one-way: true
"""

edits = st.lists(
    st.tuples(
        st.integers(0, len(TEXT)),
        st.integers(0, 12),
        st.text(alphabet=st.sampled_from("\n\t -:,[]{}'\"#&*!|>0aé"), max_size=6),
    ),
    max_size=4,
)


@given(edits)
def test_damaged_file(changes: list[tuple[int, int, str]]) -> None:
    """A file with random damage gives rules, or mistakes with lines that the file has."""
    text = TEXT
    for at, length, insertion in changes:
        text = text[:at] + insertion + text[at + length :]
    document = Document("damaged.yaml", RulesError)
    try:
        found = read_rule_file(document.parse(text), "site", WORDS).rules
    except RulesError:
        found = []

    assert found or document.problems or "- " not in text
    assert all(
        1 <= (problem.line or 1) <= text.count("\n") + 2 and problem.message
        for problem in document.problems
    )


def test_sound_file() -> None:
    """The file is without mistakes where nothing is damaged, and what follows is added."""
    document = Document("sound.yaml", RulesError)
    (found,) = read_rule_file(document.parse(TEXT), "site", WORDS).rules

    assert document.problems == []
    assert found.value.caveats == ("conditional", "icmp", "wildcard")
    assert (found.value.feature, found.value.cadence_s, found.value.one_way) == ("edt", 60, True)
    assert found.place == found.value.source == "sound.yaml:3"
