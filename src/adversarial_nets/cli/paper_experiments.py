"""Commands of the paper that train models: §2's remarks, claims about training, Table 1, all."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from adversarial_nets.baselines.names import TITLES
from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import (
    Flag,
    Grid,
    Json,
    Seed,
    Threads,
    default,
    output_path,
    print_files,
    print_table,
    refuse_unused,
)
from adversarial_nets.errors import UserError
from adversarial_nets.paper.reproduce.registry import PARTS
from adversarial_nets.paper.table1.record import ADVERSARIAL_NETS, NAMES, REFERENCES
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.runs.files import check_output_folder

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class RelatedWorkOptions:
    """Test the remarks of §2 about other models; print numbers and draw a picture.

    They are about discrete units, noise-contrastive estimation with fixed noise, predictability
    minimisation and adversarial examples.
    """

    out: Path = output_path("paper", "related-work")
    """Folder for the picture."""
    seed: Seed = 0
    json: Json = False


def _related_work(o: RelatedWorkOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.paper.related_work import related_work

    check_output_folder(o.out)
    found = related_work(o.out, seed=o.seed, on_progress=reporter.work)
    reporter.say("Gradient norms around discrete units")
    rows = [(f.model, f.discrete, f.below, f.above) for f in found.gradient_norms]
    print_table(reporter, ["model", "discrete units", "before", "after"], rows)
    reporter.say("\nNoise-contrastive estimation: error by the distance of the noise in σ")
    errors = list(zip(found.distances, found.error, found.error_in_theory, strict=True))
    print_table(
        reporter, ["distance", "error", "in theory"], [tuple(map(float, e)) for e in errors]
    )
    reporter.say("\nCodes of two units")
    codes = [(c.rule, f"{c.lost:.1%}", f"{c.predictable:.1%}") for c in found.codes]
    print_table(reporter, ["trained by", "data lost", "one unit predicts the other"], codes)
    reporter.say("\nAdversarial examples for a classifier of digits")
    examples = [
        ("accuracy on digits", f"{found.accuracy:.1%}"),
        ("after a small adversarial step", f"{found.accuracy_adversarial:.1%}"),
        ("after a random step of that size", f"{found.accuracy_random:.1%}"),
        ("confidence on images optimised from noise", f"{found.confidence:.1%}"),
        ("distance of those images from the data", f"{found.distance_ratio:.1f} times"),
    ]
    print_table(reporter, ["", ""], examples)
    print_files(reporter, found.files)
    return dataclasses.asdict(found) | {"files": list(map(str, found.files))}


CLAIM_NAMES = {
    "steps": "k updates of D for one of G",
    "gradients": "those of both objectives of G",
    "head-start": "training G alone first",
    "helvetica": "G collapses if it is trained alone",
    "parzen-spread": "the variance of the Parzen score",
}
"""The subject of each experiment of `training_claims.CLAIMS`, whose module imports torch."""


@dataclass(frozen=True)
class ClaimOptions:
    """Test one of the paper's claims about training; print a table and draw a picture.

    Each claim takes some minutes.
    """

    name: Annotated[
        str,
        tyro.conf.Positional,
        tyro.conf.arg(
            metavar="NAME",
            help="; ".join(f"{name}: {what}" for name, what in CLAIM_NAMES.items()) + ".",
        ),
    ]
    out: Path = output_path("paper", "claims")
    """Folder for the picture."""
    seed: Seed = 0
    threads: Threads = None
    json: Json = False


def _claim(o: ClaimOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.paper.training_claims import claim

    check_output_folder(o.out)
    found, picture = claim(o.name, o.out, seed=o.seed, on_progress=reporter.work)
    reporter.say(f"{found.statement}\n{found.method}\n")
    rows = [dict(row) for row in found.rows]
    print_table(reporter, list(rows[0]), [list(row.values()) for row in rows])
    print_files(reporter, [picture])
    record = {"statement": found.statement, "method": found.method}
    return record | {"rows": rows, "picture": str(picture)}


@dataclass(frozen=True)
class Table1Options:
    """Make Table 1: fit every model, sample from it, and score all samples in the same way.

    The paper's models are a deep belief network, a stacked contractive autoencoder, a deep
    generative stochastic network and the adversarial nets. Added are a VAE, a PCA Gaussian, moment
    matching networks, an adversarial autoencoder, a deep Boltzmann machine, and reference images.

    Recorded rows are not computed again, and an interrupted row resumes. The full table takes
    hours; --quick takes minutes, with small networks on the included digits.
    """

    data: Annotated[tuple[str, ...], default("mnist, or mnist-5k with --quick")] = ()
    """Data sets, as for advnets train."""
    rows: Annotated[tuple[str, ...], default("all", help=f"Some of: {', '.join(NAMES)}.")] = ()
    out: Annotated[Path | None, default("runs/table1, or runs/table1-quick")] = None
    """Folder for all results."""
    grid: Grid = "paper"
    seeds: int = 1
    """Number of seeds of each row."""
    run: Path | None = None
    """A run of the adversarial nets on the data, or its exported generator, to be scored instead of
    training one."""
    quick: Flag = False
    """Train small networks on the included digits for a short time."""
    threads: Threads = None
    json: Flag = False
    """Print the recorded rows as one JSON object; trains nothing without --quick."""


def _table1(o: Table1Options, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.out or output_path("table1-quick" if o.quick else "table1")
    if o.json and not o.quick:
        reason = "has no effect with --json, which prints recorded rows and trains nothing."
        refuse_unused(o, ["run", "seeds"], f"{reason} Leave it out.")
        return _recorded_table(out, o)
    from adversarial_nets.paper import table1

    check_output_folder(out)
    table = table1.table1(
        o.data or (("mnist-5k",) if o.quick else ("mnist",)),
        out,
        rows=o.rows or table1.NAMES,
        grid=o.grid,
        seeds=o.seeds,
        quick=o.quick,
        run=o.run,
        on_progress=reporter.work,
    )
    reporter.say(table1.as_text(table))
    print_files(reporter, table.files)
    return table.to_json()


def _recorded_table(out: Path, o: Table1Options) -> dict[str, Any]:
    """The rows recorded in the folder; in a checkout without recorded rows, those in results/."""
    from adversarial_nets.paper import table1

    found = table1.recorded(out, o.data, o.rows, o.grid).to_json()
    published = Path("results/table1.json")
    if not found["rows"] and o.out is None and published.is_file():
        rows = json.loads(published.read_text(encoding="utf-8"))["rows"]
        found = {"rows": [row for row in rows if _is_asked_for(row, o)]}
    if not found["rows"]:
        raise UserError(f"Nothing is recorded in {out}. Make the table: advnets paper table1")
    return found


def _is_asked_for(row: Mapping[str, Any], o: Table1Options) -> bool:
    """Whether a line of a table matches --data, --rows and --grid."""
    if row["grid"] != o.grid or (o.data and row["dataset"] not in o.data):
        return False
    if not o.rows:
        return True
    names = {title: name for name, title in TITLES.items()}
    names["Adversarial nets"] = ADVERSARIAL_NETS
    return names.get(row["model"].split(",")[0], REFERENCES) in o.rows


@dataclass(frozen=True)
class ReproduceOptions:
    """Reproduce the whole paper, or parts of it, and compare it with the published results.

    One HTML page shows all parts. Parts that were made before are kept and shown, and an
    interrupted training resumes. Parts that were not run are marked on the page.
    """

    parts: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        default(
            "all",
            metavar="[PART ...]",
            help=f"{', '.join(PARTS)}. The quick profile leaves out "
            f"{', '.join(name for name, part in PARTS.items() if part.slow)}, which take minutes "
            "each, unless they are named.",
        ),
    ] = ()
    profile: Literal["quick", "full"] = "quick"
    """quick: the included digits, some minutes; full: the published sizes, days, resumable."""
    out: Path = output_path("paper", "reproduction")
    """Folder for all results."""
    use: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]],
        tyro.conf.arg(metavar="PART=RUN", help_behavior_hint="(may be repeated)"),
    ] = ()
    """Show this run in figure2a to figure2d instead of training one; table1=FILE shows the rows of
    that file."""
    seed: Seed = 0
    again: Flag = False
    """Make the parts again, even if they were made before or in the full profile."""
    show: Flag = False
    """Only write the page, from the parts that were made before."""
    threads: Threads = None
    json: Json = False


def _reproduce(o: ReproduceOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.paper.reproduce import reproduce

    found = reproduce(
        _reproduction_folder(o.out),
        parts=o.parts,
        profile=o.profile,
        seed=o.seed,
        use=_runs_by_part(o.use),
        again=o.again,
        show=o.show,
        on_progress=reporter.work,
    )
    rows = [(part.name, part.status, part.ours.splitlines()[0]) for part in found.parts]
    print_table(reporter, ["part", "status", "our result"], rows)
    for name, why in found.kept.items():
        reporter.say(f"\n{name} was not made again: {why}")
    reporter.say(f"\nPage: {found.html}")
    return found.to_json()


def _reproduction_folder(out: Path) -> Path:
    """The folder of the results; by default the one that earlier versions used, if it exists."""
    earlier = Path("reproduction")
    is_default = out == output_path("paper", "reproduction")
    return earlier if is_default and earlier.is_dir() and not out.exists() else out


def _runs_by_part(pairs: Sequence[str]) -> Mapping[str, Path]:
    """The run or table that each --use gives, by the part's name."""
    use = {}
    for pair in pairs:
        name, equals, run = pair.partition("=")
        if not (name and equals and run):
            raise UserError(f"--use is {pair!r}; it must be PART=RUN, e.g. figure2a=runs/first.")
        if name in use:
            raise UserError(f"--use gives {name} twice; give it once.")
        use[name] = Path(run)
    return use


COMMANDS = (
    Command(
        name="paper related-work",
        summary="§2: the paper's remarks on other models, tested",
        options=RelatedWorkOptions,
        run=_related_work,
        examples=("paper related-work",),
    ),
    Command(
        name="paper claim",
        arguments="NAME",
        summary="test a claim about training: k, gradients, collapse",
        options=ClaimOptions,
        run=_claim,
        examples=("paper claim helvetica", "paper claim steps --seed 1"),
    ),
    Command(
        name="paper table1",
        summary="Table 1: every model fitted and scored the same way",
        options=Table1Options,
        run=_table1,
        examples=(
            "paper table1 --quick",
            "paper table1 --run runs/mnist-mnist-0",
            "paper table1 --rows dbn vae --seeds 3",
        ),
    ),
    Command(
        name="paper reproduce",
        arguments="[PART ...]",
        summary="the whole paper on one page, part by part",
        options=ReproduceOptions,
        run=_reproduce,
        examples=(
            "paper reproduce",
            "paper reproduce figure2a figure3 --profile full",
            "paper reproduce figure2b --use figure2b=runs/faces",
        ),
    ),
)
