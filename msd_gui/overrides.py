"""Let an error in a method that Qt calls reach the window's report of errors, instead of ending the process.

Before Python 3.12 an exception that C code has raised, such as that of ``math.log(0)``, is completed only where Python
catches it; PySide6 6.8 and later end the process with one that leaves an overridden method incomplete
(``Shiboken::Errors::storePythonOverrideErrorOrPrint`` reads its arguments). So every such method catches its errors,
and raises them again.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

from shiboken6 import Shiboken


def complete_errors() -> None:
    """Complete the errors of overridden methods in all classes that are made from now on, where Python does not."""
    if sys.version_info < (3, 12):
        Shiboken.Object.__init_subclass__ = classmethod(_wrap_overrides)  # type: ignore[assignment, arg-type]


def _wrap_overrides(cls: type, **options: Any) -> None:
    super(Shiboken.Object, cls).__init_subclass__(**options)  # type: ignore[misc]
    native = [base for base in cls.__mro__[1:] if base.__module__.startswith("PySide6.")]
    for name, method in list(vars(cls).items()):
        known = isinstance(method, types.FunctionType) and any(name in vars(base) for base in native)
        # Qt looks at the parameters of a slot before it calls it.
        if known and not any(name in _slots(base) for base in native):
            setattr(cls, name, _completing(method))


def _completing(method: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(method)
    def call(*given: object, **named: object) -> object:
        try:
            return method(*given, **named)
        except BaseException:
            raise

    return call


@functools.cache
def _slots(native: type) -> frozenset[str]:
    from PySide6.QtCore import QMetaMethod

    if (meta := getattr(native, "staticMetaObject", None)) is None:
        return frozenset()
    methods = [meta.method(number) for number in range(meta.methodCount())]
    return frozenset(one.name().toStdString() for one in methods if one.methodType() == QMetaMethod.MethodType.Slot)
