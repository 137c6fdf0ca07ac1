"""Find a run's report that is still up to date, without importing torch."""

from pathlib import Path

from adversarial_nets import __version__
from adversarial_nets.errors import UserError
from adversarial_nets.report.commands import passed_in, train_command
from adversarial_nets.runs.folder import Run

__all__ = ["existing_report", "refuse_exported"]

_RECORDS = (
    "settings.json",
    "metrics.jsonl",
    "evaluation.json",
    "checkpoints/*/state.json",
    "samples/*.png",
)
_HEAD = 1000  # bytes of a page that hold its version and weights
_CODE = ("*.py", "*.html", "*.css")
_PACKAGE = Path(__file__).parent.parent


def refuse_exported(run: Run) -> None:
    """Raise an error for an exported generator, which has no metrics to report."""
    if run.exported:
        made_by = "the program that trained it" if passed_in(run) else train_command(run)
        raise UserError(
            f"{run.name} holds only a generator, but a report needs a run with its metrics. Give "
            f"the folder of a run: {made_by}"
        )


def existing_report(run: Run, weights: str | None = None) -> Path | None:
    """The path of the run's report if it is up to date, else None. Imports no torch.

    A report is up to date if it was written by this version, shows the right generator, and is
    newer than all records of the run and than the code.

    Args:
        run: the run.
        weights: the generator to show, ``raw`` or ``averaged``; `Run.default_weights` by default.

    Raises:
        UserError: the folder holds only a generator.
    """
    refuse_exported(run)
    page = run.folder / "report.html"
    try:
        with page.open("rb") as file:
            head = file.read(_HEAD).decode(errors="replace")
        written = page.stat().st_mtime_ns
        sources = [path for pattern in _RECORDS for path in run.folder.glob(pattern)]
        sources += [path for pattern in _CODE for path in _PACKAGE.rglob(pattern)]
        newest = max(path.stat().st_mtime_ns for path in sources)
    except OSError:  # no report, or a training removed a checkpoint at this moment
        return None
    marks = (f"adversarial-nets {__version__}", f"{weights or run.default_weights} generator")
    current = all(f'content="{mark}"' in head for mark in marks)
    return page if current and newest < written else None
