"""Write every notebook as .ipynb into the folder ipynb/, for Jupyter: `make notebooks`.

Links between notebooks are changed to the written files.
"""

import re
from pathlib import Path

import jupytext

HERE = Path(__file__).parent


def convert(page: Path, folder: Path) -> Path:
    """Write one notebook and return its path."""
    notebook = jupytext.read(page)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\]\((\d\d-[\w.-]+)\.md\)", r"](\1.ipynb)", cell.source)
    path = folder / f"{page.stem}.ipynb"
    jupytext.write(notebook, path)
    return path


if __name__ == "__main__":
    target = HERE.parent / "ipynb"
    target.mkdir(exist_ok=True)
    for page in sorted(HERE.glob("[0-9]*.md")):
        print(convert(page, target).relative_to(HERE.parent))
