"""Factors of hashes, which kernels and their twins share."""

from __future__ import annotations

import numpy as np

_GOLDEN = 0x9E37_79B9_7F4A_7C15

FACTORS = np.array([pow(_GOLDEN, power, 1 << 64) for power in range(1, 9)], np.uint64)
"""Odd and far apart: each word of what is hashed has one, and the sum of products, which do not
wait for each other, is modulo 2**64."""
