"""Reads `rules/signatures.yaml`; its fields are described in docs/signatures.md."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from auditor.documents import Document
from auditor.errors import RulesError
from auditor.evidence.checks import CHECKS, SERIES_CHECKS
from auditor.evidence.signature_model import (
    CLIENT,
    EITHER,
    SERVER,
    LengthField,
    Pattern,
    Protocol,
    Signature,
    Strength,
)
from auditor.records import IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from auditor.documents import Entry

_TRANSPORTS = {"tcp": IPPROTO_TCP, "udp": IPPROTO_UDP, "sctp": IPPROTO_SCTP}
_STRENGTHS = {strength.name.lower(): strength for strength in Strength}
_NOBODY = "nobody"
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PROTOCOL_KEYS = ("id", "title", "encrypted", "first-speaker", "kind-of")
_SIGNATURE_KEYS = (
    "id", "protocol", "transport", "from", "offset", "bytes", "text", "mask", "minimum-length",
    "length", "contains", "first-line-contains", "check", "series-check", "strength", "source",
)  # fmt: skip
_LENGTH_KEYS = ("offset", "bytes", "order", "plus", "fit")


def read_signatures(path: Path) -> tuple[dict[str, Protocol], tuple[Signature, ...]]:
    """Read the protocols by id, and the signatures in the order of the file.

    Raises RulesError with every mistake and its line.
    """
    document = Document(str(path), RulesError)
    top = document.read(path)
    top.allow(("protocols", "signatures"))
    protocols: dict[str, Protocol] = {}
    for entry in top.entries("protocols"):
        protocol = _protocol(entry, protocols)
        if protocol.id in protocols:
            entry.report("id", f"protocol {protocol.id!r} stands here twice")
        protocols[protocol.id] = protocol
    signatures: dict[str, Signature] = {}
    general: dict[str, str] = {}
    for entry in top.entries("signatures"):
        signature = _signature(entry, protocols)
        if signature.id in signatures:
            entry.report("id", f"signature {signature.id!r} stands here twice")
        signatures[signature.id] = signature
        # Of matches that are equally sure the upper one wins, so a use further down never would.
        general.setdefault(signature.protocol, signature.id)
        own = protocols.get(signature.protocol)
        if own is not None and own.kind_of in general:
            entry.report("id", f"must stand above {general[own.kind_of]!r}, which it refines")
    document.finish()
    return protocols, tuple(signatures.values())


def _protocol(entry: Entry, known: dict[str, Protocol]) -> Protocol:
    entry.allow(_PROTOCOL_KEYS)
    speaker = entry.choice("first-speaker", (CLIENT, SERVER, _NOBODY), _NOBODY)
    kind_of = entry.text("kind-of")
    if kind_of and kind_of not in known:
        entry.report("kind-of", f"'kind-of': no protocol {kind_of!r} stands above")
    return Protocol(
        _identifier(entry, "id"),
        entry.required("title"),
        entry.flag("encrypted", default=False),
        "" if speaker == _NOBODY else speaker,
        kind_of,
    )


def _signature(entry: Entry, protocols: dict[str, Protocol]) -> Signature:
    entry.allow(_SIGNATURE_KEYS)
    protocol = entry.required("protocol")
    if protocol and protocol not in protocols:
        entry.report("protocol", f"'protocol': {protocol!r} is not among the protocols above")
    first_line = entry.text("first-line-contains")
    contains = entry.text("contains") or first_line
    if "contains" in entry and first_line:
        entry.report("first-line-contains", "give either 'contains' or 'first-line-contains'")
    if not contains.isascii():
        entry.report("contains", "expected ASCII text")
    signature = Signature(
        _identifier(entry, "id"),
        protocol,
        _transports(entry),
        entry.choice("from", (CLIENT, SERVER, EITHER), EITHER),
        _STRENGTHS[entry.choice("strength", _STRENGTHS, "weak")],
        _patterns(entry),
        entry.number("minimum-length") or 1,
        _length(entry),
        contains.lower().encode("ascii", "replace"),
        bool(first_line),
        tuple(CHECKS[name] for name in _known_names(entry, "check", CHECKS)),
        tuple(SERIES_CHECKS[name] for name in _known_names(entry, "series-check", SERIES_CHECKS)),
        entry.required("source"),
    )
    if not (signature.patterns or signature.checks or signature.series_checks or contains):
        entry.report("id", "would fit any payload; expected 'bytes', 'text', 'contains' or 'check'")
    for key in ("from", "strength"):
        entry.required(key)
    return signature


def _identifier(entry: Entry, key: str) -> str:
    word = entry.required(key)
    if word and not _ID.fullmatch(word):
        entry.report(key, f"{key!r}: expected lower-case words joined by hyphens, found {word!r}")
    return word


def _transports(entry: Entry) -> tuple[int, ...]:
    words = entry.texts("transport")
    if not words:
        entry.report("transport", "'transport' is missing")
    for word in words:
        if word not in _TRANSPORTS:
            entry.report("transport", f"'transport': expected tcp, udp or sctp, found {word!r}")
    return tuple(_TRANSPORTS[word] for word in words if word in _TRANSPORTS)


def _patterns(entry: Entry) -> tuple[Pattern, ...]:
    offset = entry.number("offset") or 0
    values = [_hex(entry, "bytes", text) for text in entry.texts("bytes")]
    if "text" in entry:
        if values:
            entry.report("text", "give either 'bytes' or 'text'")
        values = [_ascii(entry, text) for text in entry.texts("text")]
    mask = _hex(entry, "mask", entry.text("mask"))[0] if "mask" in entry else b""
    patterns = []
    for value, known in values:
        if mask and len(mask) != len(value):
            entry.report("mask", f"'mask': expected {len(value)} bytes, found {len(mask)}")
        pairs = zip(value, known, mask or known, strict=False)
        full = bytes(each & more for _, each, more in pairs)
        masked = bytes(a & b for a, b in zip(value, full, strict=False))
        if any(full):
            patterns.append(Pattern(offset, masked, full))
        else:
            entry.report("bytes", "an alternative that would fit any payload")
    return tuple(patterns)


def _hex(entry: Entry, key: str, text: str) -> tuple[bytes, bytes]:
    """Read `16 03 ..` as its bytes and their mask; two dots stand for any byte."""
    value, mask = bytearray(), bytearray()
    for pair in text.split():
        if not re.fullmatch(r"[0-9A-Fa-f]{2}|\.\.", pair):
            entry.report(key, f"{key!r}: expected pairs of hexadecimal digits, found {pair!r}")
            continue
        value.append(0 if pair == ".." else int(pair, 16))
        mask.append(0 if pair == ".." else 0xFF)
    return bytes(value), bytes(mask)


def _ascii(entry: Entry, text: str) -> tuple[bytes, bytes]:
    if not text.isascii():
        entry.report("text", f"'text': expected ASCII, found {text!r}")
    value = text.encode("ascii", "replace")
    return value, b"\xff" * len(value)


def _length(entry: Entry) -> LengthField | None:
    field = entry.entry("length")
    if field is None:
        return None
    field.allow(_LENGTH_KEYS)
    for key in ("offset", "bytes", "fit"):
        field.required(key)
    return LengthField(
        field.number("offset") or 0,
        field.number("bytes") or 1,
        field.choice("order", ("big", "little"), "big"),
        field.number("plus") or 0,
        field.choice("fit", ("exact", "within"), "exact") == "exact",
    )


def _known_names(entry: Entry, key: str, known: Collection[str]) -> list[str]:
    found = entry.texts(key)
    for name in found:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else "docs/signatures.md lists them"
            entry.report(key, f"{key!r}: {name!r} is no known check; {hint}")
    return [name for name in found if name in known]
