"""Memory asked for before it is needed, so that kernels need not wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from llvmlite import ir
from numba import config, types
from numba.core.cgutils import unpack_tuple
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    _Ask = Callable[[NDArray[Any], int], None]

_CACHE_LINE = 64
_ALIGNMENT = 8
_TO_WRITE, _TO_KEEP, _DATA = 1, 3, 1
"""What the processor is told; what is read only is asked for no less well that way."""


def _touched(size: int) -> list[int]:
    """List bytes of an item such that each line it lies on has one, wherever it begins.

    Items begin at multiples of 8 bytes, unless they are smaller: no line lies between two bytes
    that are less than 72 apart, the first of them at such a place.
    """
    if size <= _ALIGNMENT:
        return [0]
    places = [0]
    while size - 1 - places[-1] >= _CACHE_LINE + _ALIGNMENT:
        places.append(places[-1] + _CACHE_LINE)
    return [*places, size - 1]


def _ask_nobody(array: NDArray[Any], index: int) -> None:
    """Do nothing: without a compiler there is no waiting for memory to speak of."""


def _ask_processor_for(items: int) -> _Ask:
    """Make what writes llvm.prefetch for each line of the cache on which so many items lie."""

    @intrinsic
    def ask(_typing: Any, array: Any, _index: Any) -> Any:  # noqa: ANN401 - numba's interface
        def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401 - as above
            kind = signature.args[0]
            view = context.make_array(kind)(context, builder, arguments[0])
            (stride,) = unpack_tuple(builder, view.strides)  # type: ignore[no-untyped-call]  # numba has no types
            size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
            word, number, pointer = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()
            item = builder.add(builder.ptrtoint(view.data, word), builder.mul(arguments[1], stride))
            shape = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
            fetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer], shape)
            hints = [number(each) for each in (_TO_WRITE, _TO_KEEP, _DATA)]
            for at in _touched(items * size):
                place = builder.inttoptr(builder.add(item, word(at)), pointer)
                builder.call(fetch, [place, *hints])
            return context.get_dummy_value()

        return types.void(array, types.intp), write

    return cast("_Ask", ask)


_COMPILED = not vars(config)["DISABLE_JIT"]

bring_near = _ask_processor_for(1) if _COMPILED else _ask_nobody
"""Ask for an item of an array, shape (n,), to be in the processor's cache soon, as it will be
written to. Nothing is waited for, and a place that does not exist does no harm."""

bring_two = _ask_processor_for(2) if _COMPILED else _ask_nobody
"""Likewise for an item and the next one."""
