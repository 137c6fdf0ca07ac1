"""Import a package's names at their first use (PEP 562), so that help texts need no torch."""

import importlib
import sys
from collections.abc import Callable, Mapping

__all__ = ["lazy_names"]


def lazy_names(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return a package's ``__getattr__`` and ``__dir__``, which import its names at first use.

    Args:
        package: the package's ``__name__``.
        modules: the names that each module of the package defines, with spaces between them.
    """
    module_of = {name: module for module, names in modules.items() for name in names.split()}

    def import_name(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{module_of[name]}"), name)

    def all_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *module_of})

    return import_name, all_names
