"""auditor.explain.words: every word of a judgement has its meaning."""

from __future__ import annotations

from auditor.catalog.vocabulary import FLOW_CAVEATS, RULE_CAVEATS
from auditor.explain.words import CAVEATS, VERDICTS, VERIFICATIONS
from auditor.judge.vocabulary import Verdict, Verification


def test_every_word_is_explained_and_no_other() -> None:
    """The vocabularies and their meanings have the same keys."""
    assert set(VERDICTS) == set(Verdict)
    assert set(CAVEATS) == {*RULE_CAVEATS, *FLOW_CAVEATS}
    assert set(VERIFICATIONS) == set(Verification)
