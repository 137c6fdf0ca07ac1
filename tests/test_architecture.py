"""Modules depend on one another as docs/architecture.md says: in one direction, without cycles."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from adversarial_nets.engine import autograd_updates, manual_backprop
from adversarial_nets.engine.updates import Updates

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "adversarial_nets"
MODULES = {
    str(path.relative_to(PACKAGE).with_suffix("")).removesuffix("/__init__"): path
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE or path.name not in ("__init__.py", "__main__.py")
}


def imports(path: Path) -> Iterator[str]:
    """The modules of this package that a file imports, other than for the type checker."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in for_types:
            if node.module.split(".")[0] != "adversarial_nets":
                continue
            base = "/".join(node.module.split(".")[1:])
            for alias in node.names:
                full = f"{base}/{alias.name}".lstrip("/")
                if full in MODULES or base in MODULES:
                    yield full if full in MODULES else base


def documented_order() -> dict[str, int]:
    """The line on which the page names a module or package, counted from the top."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = re.findall(r"## What depends on what.*?```\n(.*?)```", page, re.S)[0]
    lines = [line.split("  ")[0] for line in block.splitlines()]
    return {name.strip(): i for i, line in enumerate(lines) for name in line.split(",")}


def level(module: str, order: dict[str, int]) -> int:
    """The line of a module: its own, or that of its package."""
    return order[module] if module in order else order[module.split("/")[0]]


def test_a_module_imports_only_from_its_own_line_and_those_above() -> None:
    order = documented_order()
    wrong = [
        f"{module} imports {other}"
        for module, path in MODULES.items()
        for other in imports(path)
        if level(other, order) > level(module, order)
    ]
    assert wrong == []


@pytest.mark.parametrize("of_packages", [False, True])
def test_no_two_modules_or_packages_import_each_other_by_any_way(of_packages: bool) -> None:
    direct: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        names = [module, *imports(path)]
        if of_packages:
            names = [name.split("/")[0] for name in names]
        direct.setdefault(names[0], set()).update(names)
    reached: dict[str, set[str]] = {}

    def reach(module: str, trail: tuple[str, ...]) -> set[str]:
        assert module not in trail, " → ".join((*trail, module))
        if module not in reached:
            found = direct[module] - {module}
            for other in tuple(found):
                found |= reach(other, (*trail, module))
            reached[module] = found
        return reached[module]

    for module in direct:
        reach(module, ())


def test_baselines_do_not_import_the_training_of_the_adversarial_nets() -> None:
    users = [
        m for m, path in MODULES.items() if any(i.startswith("training") for i in imports(path))
    ]
    assert not [module for module in users if module.startswith("baselines")]
    assert users


@pytest.mark.parametrize("module", [autograd_updates, manual_backprop])
def test_both_modules_of_updates_have_the_functions_that_a_round_calls(module: Any) -> None:
    def types(function: Callable[..., Any]) -> dict[str, Any]:
        return get_type_hints(inspect.unwrap(function))

    functions = {name: f for name, f in vars(Updates).items() if inspect.isfunction(f)}
    declared = {name: types(f) for name, f in functions.items() if not name.startswith("_")}
    assert set(declared) == set(module.__all__)
    assert {name: types(getattr(module, name)) for name in declared} == declared
