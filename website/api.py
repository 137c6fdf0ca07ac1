"""The pages of the API reference: one for each top-level module or package."""

import ast

from website.sources import ROOT

__all__ = ["api_index", "api_page", "modules"]

PACKAGE = ROOT / "src" / "adversarial_nets"


def modules() -> dict[str, list[str]]:
    """The documented modules by page: ``{"toys": ["toys", "toys.catalogue", …], …}``."""
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__")
        name = name.rstrip(".")
        if name and name != "__main__":
            found.setdefault(name.split(".")[0], []).append(name)
    return found


def _summary(name: str) -> str:
    """The first line of a module's docstring."""
    path = PACKAGE.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def api_page(page: str, names: list[str]) -> str:
    """The page of a module or package in Markdown."""
    parts = [f"# {page}\n"]
    for name in names:
        if name != page:
            parts.append(f"## {name}\n")
        parts.append(_directive(name))
    return "\n".join(parts)


def _directive(name: str) -> str:
    """The directive for one module."""
    lines = ["```{eval-rst}", f".. automodule:: adversarial_nets.{name}", "   :members:"]
    return "\n".join([*lines, "   :member-order: bysource", "```\n"])


def api_index() -> str:
    """The list of all pages, with the first line of each docstring."""
    return "\n".join(
        f"* [`{name}`](api/{name}.md): {_summary(name)}".replace("*:", r"\*:")
        for name in sorted(modules())
    )
