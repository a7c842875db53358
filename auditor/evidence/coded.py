"""A column of few words over many rows: a small number per row, the words once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

Word = TypeVar("Word")


@dataclass(frozen=True, slots=True, eq=False)
class Coded(Sequence[Word], Generic[Word]):
    """Item i is words[code[i]], so that a code of -1 stands for the last word."""

    code: NDArray[np.signedinteger]
    """Shape (n,)."""
    words: Sequence[Word]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.code)

    @overload
    def __getitem__(self, row: int) -> Word: ...
    @overload
    def __getitem__(self, row: slice) -> Coded[Word]: ...
    def __getitem__(self, row: int | slice) -> Word | Coded[Word]:
        """Give the word of a row, or narrow to some rows."""
        if isinstance(row, slice):
            return Coded(self.code[row], self.words)
        return self.words[int(self.code[row])]

    def __iter__(self) -> Iterator[Word]:
        """Give the words row by row."""
        return map(self.words.__getitem__, self.code.tolist())

    def __eq__(self, other: object) -> bool:
        """Compare the words, with those of any sequence."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as every list; typeshed knows no such thing
