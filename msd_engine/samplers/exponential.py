"""e^x by operations of float64 that numpy and compiled code (`twin_numba`) round alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]

# exp x of the Cephes library: x = n ln 2 + f, e^f = 1 + 2 f P(f²)/(Q(f²) − f P(f²)).
EXP_NUMERATOR = (1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1)
EXP_DENOMINATOR = (3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0)
LOG_2_HIGH, LOG_2_LOW, LOG2_E = 6.93145751953125e-1, 1.42860682030941723212e-6, 1.4426950408889634073599
LEAST_EXPONENT = -708.0
# Added to a small number it leaves the nearest whole one in the last bits of the sum.
ROUNDING = 6755399441055744.0


def exp(x: _Array) -> _Array:
    """Return e^x for x ≤ 0, to one part in 10¹⁵; below −708 that of −708, as for NaN."""
    x = np.where(x > LEAST_EXPONENT, x, LEAST_EXPONENT)
    shifted = x * LOG2_E + ROUNDING
    whole = shifted - ROUNDING
    x = x - whole * LOG_2_HIGH - whole * LOG_2_LOW
    square = x * x
    odd, even = square * EXP_NUMERATOR[0], square * EXP_DENOMINATOR[0]
    odd = ((odd + EXP_NUMERATOR[1]) * square + EXP_NUMERATOR[2]) * x
    even = ((even + EXP_DENOMINATOR[1]) * square + EXP_DENOMINATOR[2]) * square + EXP_DENOMINATOR[3]
    power = ((shifted.view(np.int64) + 1023) << 52).view(np.float64)
    value: _Array = (odd / (even - odd) * 2.0 + 1.0) * power
    return value
