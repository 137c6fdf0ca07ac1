"""Write every notebook as .ipynb for Jupyter: `make notebooks`.

English notebooks go to ipynb/, Chinese ones to ipynb/zh-CN/. Links are changed so that they lead to
the same files from there. Checks are folded, because their code contains the answer.
"""

import os
import re
import sys
from pathlib import Path

import jupytext

HERE = Path(__file__).parent.resolve()
sys.path.insert(0, str(HERE.parent))

from website.sources import join_chinese_lines  # noqa: E402 (the path comes first)


def written(page: Path, folder: Path) -> Path:
    """The path to which a page's notebook is written."""
    name = f"{page.stem.removesuffix('.zh-CN')}.ipynb"
    return folder / "zh-CN" / name if page.stem.endswith(".zh-CN") else folder / name


def convert(page: Path, folder: Path) -> Path:
    """Write one notebook and return its path."""
    path = written(page, folder)

    def link(found: re.Match[str]) -> str:
        target, _, heading = found[1].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return found[0]
        if re.match(r"\d\d-[^/]*\.md$", target):
            file = written(HERE / target, folder)
        else:
            file = HERE / target
        relative = Path(os.path.relpath(file, path.parent)).as_posix()
        return f"]({relative}{f'#{heading}' if heading else ''})"

    notebook = jupytext.read(page)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = join_chinese_lines(cell.source) if path.parent.name == "zh-CN" else cell.source
            cell.source = re.sub(r"\]\(([^)\s]+)\)", link, text)
        elif "check" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}
    path.parent.mkdir(parents=True, exist_ok=True)
    jupytext.write(notebook, path)
    return path


def convert_new(pages: list[Path], folder: Path) -> None:
    """Write the notebooks that do not exist; the others may contain a learner's answers."""
    new = [page for page in pages if not written(page, folder).exists()]
    for page in new:
        print(os.path.relpath(convert(page, folder)))
    if kept := len(pages) - len(new):
        print(f"{kept} notebooks exist already; they were not changed, so your answers are kept.")
        print(f"To get a new one, move or delete its file in {os.path.relpath(folder)} first.")


if __name__ == "__main__":
    convert_new(sorted(HERE.glob("[0-9]*.md")), HERE.parent / "ipynb")
    jupyter = Path(sys.executable).with_name("jupyter")
    print(f"Start Jupyter with: {os.path.relpath(jupyter)} lab")
    print("Then open the folder ipynb on the left (Chinese: ipynb/zh-CN).")
