"""Check shapes and types at the first calls of each function in each test, then at some of them.

A check takes longer than an update of a small game. After `FIRST` calls in a test, the arguments of
a function differ little from one call to the next, so that one call in `EVERY` is checked.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jaxtyping

__all__ = ["EVERY", "FIRST", "begin_test", "install"]

FIRST, EVERY = 50, 20

_tests = 0  # how many have begun


def begin_test() -> None:
    """Check the first calls again."""
    global _tests
    _tests += 1


def install() -> None:
    """Check all modules of the package that are imported from now on."""
    check = jaxtyping.jaxtyped

    def jaxtyped(*, typechecker: Any) -> Callable[[Any], Any]:
        def decorate(thing: Any) -> Any:
            if inspect.isfunction(thing):
                return _often_checked(thing, check(thing, typechecker=typechecker))
            plain = getattr(thing, "__init__", None)
            checked: Any = check(thing, typechecker=typechecker)
            if inspect.isclass(thing) and checked.__init__ is not plain:  # of a dataclass
                checked.__init__ = _often_checked(plain, checked.__init__)
            return checked

        return decorate

    vars(jaxtyping)["jaxtyped"] = jaxtyped
    jaxtyping.install_import_hook("adversarial_nets", "beartype.beartype")


def _often_checked(plain: Any, checked: Any) -> Any:
    """A function that calls the checked function, or often the plain one."""
    test, calls = 0, 0

    @functools.wraps(plain)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal test, calls
        if test != _tests:
            test, calls = _tests, 0
        calls += 1
        is_checked = calls <= FIRST or calls % EVERY == 0
        return (checked if is_checked else plain)(*args, **kwargs)

    return call
