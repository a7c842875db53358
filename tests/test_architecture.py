"""The house rules that code can hold: who imports whom, and where each library lives."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import auditor

ROOT = Path(auditor.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

LAYERS = [
    {"errors", "records", "protocols", "hostnames", "pace", "pool", "times"},
    {"addresses"},
    {"documents"},
    {"kernel"},
    {"capture"},
    {"decode"},
    {"flows"},
    {"catalog"},
    {"site"},
    {"evidence"},
    {"hosts"},
    {"judge"},
    {"infer"},
    {"report"},
    {"partitions"},
    {"engine"},
    {"parts"},
    {"traffic"},
    {"explain"},
    {"compare"},
    {"judging"},
    {"pipeline"},
    {"drafting"},
    {"outlets"},
    {"live"},
    {"cli", "__main__"},
]
"""A module imports from its own part and from earlier lines; docs/architecture.md says why."""

HOMES = {
    "numpy": None,
    "numba": {"kernel"},
    "llvmlite": {"kernel"},
    "dpkt": {"decode"},
    "pandas": {"report"},
    "click": {"cli", "__main__"},
    "pyarrow": {"report", "partitions"},
    "tabulate": {"report", "cli", "outlets"},
    "cryptography": {"evidence"},
    "yaml": {"documents", "site", "catalog"},
    "fsspec": {"capture"},
    "zstandard": {"capture"},
    "lz4": {"capture"},
    "jsonschema": {"catalog"},
    "pyshark": {"explain"},
    "sqlalchemy": {"outlets"},
    "rich": {"live", "cli"},
    "prometheus_client": {"outlets"},
    "distributed": {"parts"},
}
"""Third-party library -> the parts that may import it; None = all."""


def part_of(path: Path) -> str:
    """Name the part of the package that a module belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """List the modules that a file imports, each with whether it does so for typing alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.module, id(node) in typing_only))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_only_what_stands_before_it(path: Path) -> None:
    """Parts import in one direction, and a library is imported only where it is at home."""
    part = part_of(path)
    if part == "__init__":
        return
    level = next(number for number, parts in enumerate(LAYERS) if part in parts)
    reachable = set().union(*LAYERS[: level + 1])
    for module, typing_only in imports_of(path):
        top, _, rest = module.partition(".")
        if top == "auditor":
            assert not rest or typing_only or rest.split(".")[0] in reachable, module
        elif top not in sys.stdlib_module_names:
            assert top in HOMES, f"{module} has no home"
            home = HOMES[top]
            assert home is None or typing_only or part in home, module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    """No module outgrows what one reads in a sitting, and each begins with its purpose."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 360
    assert ast.get_docstring(ast.parse(text))


def test_public_names_are_what_the_manual_promises() -> None:
    """Every public name loads, and there are no others."""
    for name in auditor.__all__:
        assert getattr(auditor, name) is not None
    assert not {name for name in vars(auditor) if name.startswith("read")} - set(auditor.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = auditor.nothing
