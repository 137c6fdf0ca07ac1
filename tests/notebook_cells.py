"""Read the notebooks' sources and run their cells in one namespace, without a kernel."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adversarial_nets.exercises import Verdict

__all__ = ["FOLDER", "PAGES", "Cell", "read_cells", "run_cell", "run_notebook"]

FOLDER = Path(__file__).parent.parent / "notebooks"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
_FENCED = re.compile(
    r"^```\{code-cell\}[^\n]*\n(?::tags: \[(?P<tags>[\w, -]*)\]\n\n?)?(?P<code>.*?)^```$"
    r"|^<details>.*?^```python\n(?P<solution>.*?)^```$.*?^</details>$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Cell:
    """A code cell, or the folded solution of an exercise.

    Attributes:
        kind: ``code``, ``exercise`` (to be filled in), ``check`` or ``solution``.
        code: its source.
    """

    kind: str
    code: str


def read_cells(page: Path) -> list[Cell]:
    """The code cells and solutions of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Cell("solution", found["solution"])
        if found["code"] is None
        else Cell(found["tags"] or "code", found["code"])
        for found in _FENCED.finditer(text)
    ]


def run_cell(code: str, name: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, if that is an expression."""
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)
    if last is None:
        return None
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), name, "eval"), names)


def run_notebook(
    page: Path,
    wrong_answers: Sequence[Sequence[str]],
    after_cell: Callable[[Cell, Any], None] = lambda cell, value: None,
) -> Iterator[tuple[Verdict, list[Verdict], Verdict]]:
    """Run all cells; for each exercise, the verdicts on the empty cell, wrong ones, the solution.

    A check runs after the cell as it is in the page, after each wrong answer, and after the
    solution. `wrong_answers` holds the codes of the wrong answers of each exercise.
    """
    remaining = iter(wrong_answers)
    names: dict[str, Any] = {"__name__": "__main__"}
    unchecked: Cell | None = None
    empty: Verdict | None = None
    for i, cell in enumerate(read_cells(page)):
        value = run_cell(cell.code, f"{page.name}, cell {i}", names)
        after_cell(cell, value)
        if cell.kind == "check":
            unchecked, empty = cell, value
        elif cell.kind == "solution":
            assert unchecked is not None, f"{page.name}: a solution without a check"
            assert empty is not None
            name = f"{page.name}, check before cell {i}"
            refused = []
            for code in next(remaining, []):
                run_cell(code, f"{page.name}, a wrong answer before cell {i}", names)
                refused.append(run_cell(unchecked.code, name, names))
            run_cell(cell.code, f"{page.name}, cell {i}", names)
            yield empty, refused, run_cell(unchecked.code, name, names)
            unchecked = empty = None
    assert unchecked is None, f"{page.name}: a check without a solution"
