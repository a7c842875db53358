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
_TO_WRITE, _TO_KEEP, _DATA = 1, 3, 1
"""What the processor is told; what is read only is asked for no less well that way."""


def _ask_nobody(array: NDArray[Any], index: int) -> None:
    """Do nothing: without a compiler there is no waiting for memory to speak of."""


@intrinsic
def _ask_processor(_typing: Any, array: Any, _index: Any) -> Any:  # noqa: ANN401 - numba's interface
    """Write llvm.prefetch for each line of the cache on which an item lies."""

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
        for at in sorted({*range(0, size, _CACHE_LINE), size - 1}):
            builder.call(fetch, [builder.inttoptr(builder.add(item, word(at)), pointer), *hints])
        return context.get_dummy_value()

    return types.void(array, types.intp), write


bring_near = cast("_Ask", _ask_nobody if vars(config)["DISABLE_JIT"] else _ask_processor)
"""Ask for an item of an array, shape (n,), to be in the processor's cache soon, as it will be
written to. Nothing is waited for, and a place that does not exist does no harm."""
