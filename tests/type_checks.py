"""Check shapes and types at the first calls of each function in each test, then at some of them.

A check takes longer than an update of a small game. After `FIRST` calls in a test, the arguments of
a function differ little from one call to the next, so that one call in `EVERY` is checked. A check
is prepared when it is first needed: most functions are called in few tests, and preparing the
checks of all takes six seconds.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import jaxtyping

__all__ = ["EVERY", "FIRST", "begin_test", "install"]

FIRST, EVERY = 3, 100

_tests = 0  # how many have begun
_calls: dict[int, tuple[int, int]] = {}  # by a function's code: in which test, and how many


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
                return _often_checked(thing, check(typechecker=typechecker))
            own_init: bool = dataclasses.is_dataclass(thing) and "__init__" in vars(thing)
            if own_init:
                made = _often_checked(thing.__init__, check(typechecker=typechecker))
                thing.__init__ = made
            return thing

        return decorate

    vars(jaxtyping)["jaxtyped"] = jaxtyped
    jaxtyping.install_import_hook("adversarial_nets", "beartype.beartype")


def _often_checked(plain: Any, check: Callable[[Any], Any]) -> Any:
    """A function that calls the checked function, or often the plain one.

    Functions that are defined inside others are new at each call of these, and share one count.
    """
    code, checked = id(plain.__code__), None

    @functools.wraps(plain)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal checked
        test, calls = _calls.get(code, (_tests, 0))
        calls = calls + 1 if test == _tests else 1
        _calls[code] = _tests, calls
        if calls > FIRST and calls % EVERY:
            return plain(*args, **kwargs)
        checked = checked or check(plain)
        return checked(*args, **kwargs)

    return call
