"""Checks of all families under one number each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.kernel import (
    checks_accounts,
    checks_citrix,
    checks_http,
    checks_management,
    checks_media,
    checks_naming,
    checks_sql,
    checks_tls,
    checks_windows,
)
from auditor.kernel.jit import part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ACCOUNTS, CITRIX, HTTP, MANAGEMENT, MEDIA, NAMING, SQL, TLS, WINDOWS = range(0, 144, 16)
"""What is added to the number that a check has in its family."""

_FAMILY, _WITHIN = 0xF0, 0x0F

_of_accounts = checks_accounts.answer
_of_citrix = checks_citrix.answer
_of_http = checks_http.answer
_of_management = checks_management.answer
_of_media = checks_media.answer
_of_naming = checks_naming.answer
_of_sql = checks_sql.answer
_of_tls = checks_tls.answer
_of_windows = checks_windows.answer


@part
def answer(which: int, data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Answer one check of one payload."""
    family, number = which & _FAMILY, which & _WITHIN
    if family == ACCOUNTS:
        return _of_accounts(number, data, start, end)
    if family == CITRIX:
        return _of_citrix(number, data, start, end)
    if family == HTTP:
        return _of_http(number, data, start, end)
    if family == MANAGEMENT:
        return _of_management(number, data, start, end)
    if family == MEDIA:
        return _of_media(number, data, start, end)
    if family == NAMING:
        return _of_naming(number, data, start, end)
    if family == SQL:
        return _of_sql(number, data, start, end)
    if family == TLS:
        return _of_tls(number, data, start, end)
    return _of_windows(number, data, start, end)
