"""Replace a function of a module by one that only records its arguments."""

from typing import Any

import pytest


class Calls(list[dict[str, Any]]):
    """The arguments of each call by name.

    Args:
        patch: the test's monkeypatch.
        module: the module in which the function is replaced.
        name: the function's name there.
        names: names of its positional arguments; those without a name are not noted.
    """

    def __init__(self, patch: pytest.MonkeyPatch, module: Any, name: str, *names: str) -> None:
        def note(*args: Any, **options: Any) -> None:
            self.append(dict(zip(names, args, strict=False)) | options)

        patch.setattr(module, name, note)

    def of(self, name: str) -> list[Any]:
        """This argument of each call."""
        return [call[name] for call in self]
