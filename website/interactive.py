"""Pages that compute in the visitor's browser: Figure 1, recorded lessons, a trained G."""

from pathlib import Path

import jinja2

from adversarial_nets.paper.figure1 import write_html
from adversarial_nets.runs.files import explain_os_errors, write_atomically
from adversarial_nets.toys.kinds import LINE
from adversarial_nets.toys.line import ROUNDS
from adversarial_nets.toys.recording import record, snapshot_rounds
from website import digits
from website.recorded_lessons import RECORDED, record_lesson
from website.sources import ROOT

__all__ = ["build", "render"]


def build(out: Path, run: Path = Path("digits")) -> None:
    """Write the pages into the folder ``try`` of the site.

    Args:
        out: the site's folder.
        run: the run whose G the visitor explores; by default the generator of digits that comes
            with the package.

    Raises:
        UserError: the run's G cannot be computed in a page.
    """
    folder = out / "try"
    model = digits.model(run)
    with explain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_html(record(LINE, "gaussian", snapshot_rounds(ROUNDS)), folder / "figure1.html")
        lessons = [record_lesson(name) for name in RECORDED]
        write_atomically(folder / "lessons.html", render("lessons.html", lessons=lessons))
        write_atomically(folder / "digits.html", render("digits.html", model=model))


def render(name: str, **values: object) -> str:
    """A page from its template."""
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.FileSystemLoader(ROOT / "website" / "theme" / "interactive"),
                jinja2.PackageLoader("adversarial_nets", "report"),
            ]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    return environment.get_template(name).render(values)
