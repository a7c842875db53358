"""One capture, from its first byte to its last: batches of frames, and what is to be said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.blocks import Blocks
from auditor.capture.compressed import compression_of, open_content, read_head
from auditor.capture.erf import unwrap
from auditor.capture.foreign import open_foreign
from auditor.capture.nstrace import NstraceWalker
from auditor.capture.pcap import PcapWalker, is_pcap
from auditor.capture.pcapng import PcapngWalker, is_pcapng
from auditor.capture.reader import os_reason
from auditor.capture.recognise import EXPECTED, Way, foreign_format, is_capture, refusal
from auditor.capture.walk import Remark
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from auditor.capture.batch import FrameBatch
    from auditor.capture.compressed import Content
    from auditor.capture.reader import ByteReader
    from auditor.capture.recognise import ForeignFormat
    from auditor.capture.walk import Walker

BLOCK_BYTES = 1 << 21
"""Bytes read at a time, as far as they are there. Their headers fit a core's cache; half as many
take a quarter longer in all, since between blocks two threads wait for the interpreter."""


class FrameStream:
    """The frames of one capture, batch after batch."""

    def __init__(
        self,
        name: str,
        source: ByteReader,
        capture: int,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        """Read the head of the capture; raise CaptureError naming `name`, closing `source`.

        `capture` becomes FrameBatch.capture; `block_bytes` are read at a time.
        """
        self.name = name
        self.compiled = False
        """Whether kernels walk through it."""
        self.truncated = False
        self.warnings: list[str] = []
        self.source = source
        self._block_bytes = block_bytes
        self._foreign: ForeignFormat | None = None
        try:
            content: Content = open_content(source, block_bytes)
            self._packed = compression_of(content) is not None
            head = read_head(content, block_bytes)
            if not is_capture(head):
                self._foreign = foreign_format(head)
            if self._foreign is not None:
                content, head = self._ask_tshark(self._foreign, content, head)
            self._walker = self._start_walker(head, content, capture)
        except OSError as error:
            self.close()
            raise CaptureError(name, f"expected a capture, found {os_reason(error)}") from None
        except BaseException:
            self.close()
            raise
        self._blocks = Blocks(content, block_bytes)
        self._data = np.frombuffer(bytearray(head), np.uint8)
        self._at = self._walker.header_len
        self._forgotten = 0  # bytes before those in self._data
        self._ended = False

    @property
    def packed(self) -> bool:
        """Whether it is decompressed or translated as it is read."""
        return self._packed or self._foreign is not None

    @property
    def dropped(self) -> int | None:
        """Frames that the capturing side says it lost, as far as read; None if it says nothing."""
        return self._walker.dropped

    def read(self) -> FrameBatch | None:
        """Return the next batch, None at the end or where the damage begins."""
        while not self._ended:
            step = self._walker.walk(self._data, self._at, compiled=self.compiled)
            for remark in step.remarks:
                self._remark(remark)
            self._at = step.end
            self._ended = step.broken
            if step.need and not step.batch:
                self._read_on(step.need)
            if step.batch:
                return unwrap(step.batch)
        return None

    def close(self) -> None:
        """Give the file back."""
        self.source.close()
        self._ended = True

    def _ask_tshark(
        self, foreign: ForeignFormat, content: Content, head: bytes
    ) -> tuple[Content, bytes]:
        """Read what tshark makes of the capture in its place; give that and its head."""
        child = open_foreign(self.name, foreign, self.source, content, head)
        self.source = child
        head = read_head(child, self._block_bytes)
        if not head and child.damage:
            reason = f"expected {foreign.name} that tshark can read, found that {child.damage}"
            raise CaptureError(self.name, reason)
        return child, head

    def _start_walker(self, head: bytes, content: Content, capture: int) -> Walker:
        name = self.name
        if self._foreign is not None and self._foreign.way is Way.LINES:
            return NstraceWalker(capture)
        if is_pcapng(head):
            return PcapngWalker(name, head, capture)
        if is_pcap(head):
            return PcapWalker(name, head, capture)
        if content.damage:
            raise CaptureError(name, f"{EXPECTED}, found that {content.damage}")
        raise CaptureError(name, refusal(head))

    def _read_on(self, need: int) -> None:
        """Forget what was walked through, and read until `need` bytes are there or the end is."""
        self._forgotten += self._at
        self._data = self._blocks.follow(self._data[self._at :], need)
        self._at = 0
        if len(self._data) < need:
            self._end(len(self._data), need, self._blocks.reason)

    def _end(self, have: int, need: int, reason: str | None) -> None:
        """Take note of the file's end, with `have` bytes left where it takes `need`."""
        self._ended = True
        if have and not (self._foreign and reason):
            text = f"expected {need:,} bytes, found {have:,} before the end of the file"
            reason = f"{text}; {reason}" if reason else text
        if reason:
            self._remark(Remark(self._walker.number + 1, 0, reason))

    def _remark(self, remark: Remark) -> None:
        place = f"record {remark.number}"
        if self._foreign is None:  # else these are the bytes of what tshark wrote
            place += f" at byte {self._forgotten + remark.at}"
        self.warnings.append(f"{self.name}: {place}: {remark.text}")
        self.truncated = self.truncated or remark.damage
