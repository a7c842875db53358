"""How far a capture can be trusted: what it lacks, and what stands in it twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from auditor.judge.loss import LEAST_PAIR_ACKS, Acknowledged
from auditor.report.text import count, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from auditor.judge.judged import Judged
    from auditor.judge.loss import Losses
    from auditor.report.model import CaptureInfo

_MOST_PAIRS = 100
_MOST_TOLD = 5
_MENTION_LOSS_FROM = 0.001
_MENTION_COPIES_FROM = 0.01
_MENTION_ONE_SIDE_FROM = 0.01
_EVERY_SECOND = 0.45
"""Share of copies from which a capture is as good as doubled: some frames cannot be told."""


class PairLoss(NamedTuple):
    """A pair of hosts between which data was sent that no frame holds."""

    client: str
    """Its name, else its address."""
    server: str
    acks: int
    gaps: int
    share: float


class SourceLoss(NamedTuple):
    """One of several captures, and what the flows that begin in it lack."""

    capture: str
    acks: int
    gaps: int
    share: float | None
    """None with too few acks."""


@dataclass(frozen=True)
class LossInfo:
    """What acknowledgements tell of data that was not captured (auditor.judge.loss)."""

    acks: int = 0
    gaps: int = 0
    share: float | None = None
    """gaps / acks; None with too few acks."""
    tcp_flows: int = 0
    one_sided_flows: int = 0
    """TCP flows of which the packets of one direction alone were captured."""
    pairs: tuple[PairLoss, ...] = ()
    """The worst first; of pairs with enough acks, and no more than a hundred."""
    captures: tuple[SourceLoss, ...] = ()
    """Where several were read; in their order."""


NO_LOSS = LossInfo()


def loss_info(losses: Losses, judged: Judged, files: Sequence[str]) -> LossInfo:
    """Put names to losses."""
    table, total = judged.hosts.table, losses.total
    nothing = Acknowledged()
    by_file = [(name, losses.captures.get(n, nothing)) for n, name in enumerate(files)]
    return LossInfo(
        total.acks,
        total.gaps,
        total.share(),
        losses.tcp_flows,
        losses.one_sided,
        tuple(
            PairLoss(
                table[client].label,
                table[server].label,
                pair.acks,
                pair.gaps,
                pair.share(LEAST_PAIR_ACKS) or 0.0,
            )
            for client, server, pair in losses.worst(_MOST_PAIRS)
        ),
        tuple(SourceLoss(name, own.acks, own.gaps, own.share()) for name, own in by_file)
        if len(files) > 1
        else (),
    )


def warnings(capture: CaptureInfo, *, dedup: bool) -> Iterator[str]:
    """Say what makes this capture less than a record of what was said."""
    loss = capture.loss
    if loss.share is not None and loss.share >= _MENTION_LOSS_FROM:
        yield "; ".join((_loss_text(loss), *_whose_loss(capture)))
    if loss.one_sided_flows > loss.tcp_flows * _MENTION_ONE_SIDE_FROM:
        flows = count(loss.one_sided_flows, "TCP flow")
        yield f"only one direction of {flows} was captured: mirror both, or whole conversations"
    if capture.duplicate_share >= _MENTION_COPIES_FROM:
        yield _copies_text(capture, dedup=dedup)


def _loss_text(loss: LossInfo) -> str:
    text = f"about {_percent(loss.share or 0)} of the data acknowledged was not captured"
    if loss.pairs:
        worst = loss.pairs[0]
        text += f"; worst: {worst.client} -> {worst.server} {_percent(worst.share)}"
    return text


def _whose_loss(capture: CaptureInfo) -> Iterator[str]:
    """Say whether the capturing side knows of the loss."""
    if capture.dropped == 0:
        yield "the capturing side dropped nothing, so it never reached it"


def _copies_text(capture: CaptureInfo, *, dedup: bool) -> str:
    frames = count(capture.duplicates, "frame")
    if dedup:
        return f"{frames} hold a packet again and are left out"
    if capture.duplicate_share >= _EVERY_SECOND:
        what = "every packet stands at least twice in this capture"
    else:
        what = f"{frames} ({_percent(capture.duplicate_share)}) hold a packet again"
    why = "a mirror port hands out both directions" if len(capture.files) < 2 else "copies"
    return f"{what}: {why}, and counts are too high; --dedup leaves copies out"


def provenance(capture: CaptureInfo) -> Iterator[tuple[str, str]]:
    """Give the figures behind the warnings."""
    loss = capture.loss
    share = "too few to tell" if loss.share is None else _percent(loss.share)
    dropped = "not said" if capture.dropped is None else f"{capture.dropped:,}"
    lost = f"{loss.gaps:,} of {count(loss.acks, 'acknowledgement')} for data not captured ({share})"
    yield "Loss", f"{lost}; dropped while capturing: {dropped}"
    if loss.pairs:
        pairs = [f"{p.client} -> {p.server} {_percent(p.share)} of {p.acks:,}" for p in loss.pairs]
        yield "Worst", listed(pairs, _MOST_TOLD)
    yield "Copies", f"{count(capture.duplicates, 'frame')} ({_percent(capture.duplicate_share)})"


def _percent(share: float) -> str:
    """Write a share with the figures that mean something."""
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 10 or not percent else f"{percent:.2g} %"
