"""What traffic is held against: rules, a site, signatures, clues; read once for many judgements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.catalog.load import load_catalog, rules_directory
from auditor.catalog.model import Catalog
from auditor.infer.stage import load_clues
from auditor.judge.rulebook import RuleBook
from auditor.judge.verify import Listener
from auditor.site.model import Site

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from auditor.infer.clues import ClueBook


@dataclass(frozen=True)
class Judging:
    """What traffic is held against."""

    rules: Catalog
    site: Site | None = None
    threshold: float | None = None
    """From which confidence on an inferred role counts; None = as the shipped clues say."""

    @cached_property
    def book(self) -> RuleBook:
        """The rules, as the site uses them."""
        return RuleBook(self.rules, self.site)

    @cached_property
    def listener(self) -> Listener:
        """Signatures, and what services promise; raises RulesError."""
        return Listener.load(rules_directory())

    @cached_property
    def clues(self) -> ClueBook:
        """What tells roles; raises RulesError."""
        return load_clues(self.book, self.listener.signatures)

    def complete(self) -> Judging:
        """Read now what else is read when it is first asked for; raises RulesError."""
        _ = self.listener, self.clues
        return self


def load_judging(
    hosts: str | PathLike[str] | Site | None,
    catalog: Sequence[str | PathLike[str]] | Catalog,
    edition: str | None,
    threshold: float | None = None,
) -> Judging:
    """Read the rules and the site file; the arguments as for `examine`. Raises DocumentError."""
    rules = read_catalog(catalog, edition)
    return Judging(rules, _site(hosts, rules), threshold)


def read_catalog(given: Sequence[str | PathLike[str]] | Catalog, edition: str | None) -> Catalog:
    """Read the rules, with directories of others beside them; raises DocumentError."""
    if isinstance(given, Catalog):
        return given
    return load_catalog([Path(directory) for directory in given], edition=edition)


def _site(given: str | PathLike[str] | Site | None, catalog: Catalog) -> Site | None:
    if given is None or isinstance(given, Site):
        return given
    from auditor.site.load import load_site  # noqa: PLC0415 - only where there is a site file

    return load_site(Path(given), catalog)
