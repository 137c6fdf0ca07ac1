"""The commands that put the paper's tables, claims and speed together."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from adversarial_nets.cli.shared import Command, Grid, positive, printer
from adversarial_nets.errors import UserError

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class Table1:
    """Make Table 1: every row fitted, sampled and scored the same way.

    A deep belief network, a stacked contractive autoencoder, a deep generative stochastic network,
    a VAE, a PCA Gaussian, the adversarial nets, and images that are no model's; and of later years
    moment matching networks, an adversarial autoencoder and a deep Boltzmann machine.

    What is recorded is not made again, what was interrupted goes on. The full table takes hours;
    --quick takes minutes, with small nets on the embedded sample.

    Examples:
    {examples}
    """

    data: tuple[str, ...] = ()
    """Data sets, as for advnets train; mnist where not given, mnist-5k with --quick."""
    rows: tuple[str, ...] = ()
    """All, or of: dbn, stacked-cae, deep-gsn, vae, gmmn, gmmn-autoencoder, aae, dbm, pca-gaussian,
    adversarial-nets, references."""
    out: Path | None = None
    """The folder of everything; runs/table1, or runs/table1-quick, where not given."""
    grid: Grid = "paper"
    """The widths to choose from: the paper's 10, or 40 finer ones."""
    seeds: int = 1
    """How many seeds of each row."""
    run: Path | None = None
    """A run of the adversarial nets on the data, which is read, in place of training one."""
    quick: bool = False
    """Short trainings of small nets on the embedded sample."""
    threads: int | None = None
    """Processor threads; all where not given."""
    json: bool = False
    """Print the recorded rows as one JSON object; trains nothing, unless with --quick."""


def _table1(o: Table1) -> dict[str, Any]:
    from adversarial_nets.paper import table1

    reporter = printer(o.json)
    data = o.data or (("mnist-5k",) if o.quick else ("mnist",))
    out = o.out or Path("runs/table1-quick" if o.quick else "runs/table1")
    rows = o.rows or table1.NAMES
    if o.json and not o.quick:
        return _recorded_table(out, o)
    table = table1.table1(
        data,
        out,
        rows=rows,
        grid=o.grid,
        seeds=o.seeds,
        quick=o.quick,
        run=o.run,
        on_progress=reporter.work,
    )
    reporter.say(table1.as_text(table))
    reporter.say("Files: " + ", ".join(map(str, table.files)))
    return table.to_json()


def _recorded_table(out: Path, o: Table1) -> dict[str, Any]:
    """What stands in the folder, or, in a checkout where nothing was run, in results/."""
    from adversarial_nets.paper import table1

    found = table1.recorded(out, o.data, o.rows, o.grid).to_json()
    kept = Path("results/table1.json")
    if not found["rows"] and o.out is None and kept.is_file():
        return dict(json.loads(kept.read_text()))
    if not found["rows"]:
        raise UserError(f"Nothing is recorded in {out}. Make the table with: advnets table1")
    return found


@dataclass(frozen=True)
class Reproduce:
    """Make the whole paper, or parts of it, and one page that sets it against ours.

    What was made before is kept and reporter; a training that was interrupted goes on. Parts that
    nobody has run say so on the page.

    Examples:
    {examples}
    """

    parts: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[PART …]")] = ()
    """related-work, figure1, gradients, steps, head-start, theory, function-space, table1,
    parzen-spread, figure2a, figure2b, figure2c, figure2d, figure3, table2, helvetica; all where
    not given, but for steps and head-start (minutes each) in the quick profile."""
    profile: Literal["quick", "full"] = "quick"
    """quick: the embedded digits, minutes; full: the published sizes, days, resumable."""
    out: Path = Path("reproduction")
    """The folder of everything."""
    use: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """PART=RUN: show this run in figure2a to figure2d as it stands, instead of training one; or
    table1=FILE: these rows. May be given often."""
    seed: int = 0
    """Addresses every random draw."""
    again: bool = False
    """Make the parts anew although they, or better ones, were made before."""
    show: bool = False
    """Make nothing: write the page of what is there."""
    threads: int | None = None
    """Processor threads; all where not given."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _reproduce(o: Reproduce) -> dict[str, Any]:
    from adversarial_nets.paper.reproduce import reproduce

    reporter = printer(o.json)
    use = {}
    for pair in o.use:
        name, equals, run = pair.partition("=")
        if not (name and equals and run):
            raise UserError(f"--use is {pair!r}; it must be PART=RUN, e.g. figure2a=runs/first.")
        use[name] = Path(run)
    found = reproduce(
        o.out,
        parts=o.parts,
        profile=o.profile,
        seed=o.seed,
        use=use,
        again=o.again,
        show=o.show,
        on_progress=reporter.work,
    )
    for part in found.parts:
        reporter.say(f"{part.name:15} {part.status:8} {part.ours.splitlines()[0]}")
    for name, why in found.kept.items():
        reporter.say(f"\n{name} was left as it is: {why}")
    reporter.say(f"\nPage: {found.html}")
    return found.to_json()


@dataclass(frozen=True)
class ClaimOptions:
    """Try one of the paper's claims about training: a table, and a picture. Minutes each.

    Examples:
    {examples}
    """

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
    """steps (k of D for one of G), gradients (of both objectives), head-start, helvetica (G alone
    collapses), or parzen-spread."""
    out: Path = Path("claims")
    """The folder for the picture."""
    seed: int = 0
    """Addresses every random draw."""
    threads: int | None = None
    """Processor threads; all where not given."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _claim(o: ClaimOptions) -> dict[str, Any]:
    from adversarial_nets.paper.training_claims import claim

    reporter = printer(o.json)
    found, picture = claim(o.name, o.out, seed=o.seed, on_progress=reporter.work)
    reporter.say(f"{found.statement}\n{found.method}\n")
    reporter.say("  ".join(f"{name:>12}" for name in found.rows[0]))
    for row in found.rows:
        cells = zip(row, row.values(), strict=True)
        reporter.say("  ".join(f"{value:>{max(12, len(name))}.5g}" for name, value in cells))
    reporter.say(f"\nPicture: {picture}")
    rows = [dict(row) for row in found.rows]
    return {"says": found.statement, "how": found.method, "rows": rows, "picture": str(picture)}


@dataclass(frozen=True)
class BenchOptions:
    """Measure how fast this machine plays, as ratios of works that take turns.

    Our published round against its bare matrix products, autograd, JAX (extra: bench) and a
    tutorial's loop; the Parzen score against the bare product, scikit-learn and the published
    script's method; and the memory of a training. Takes some minutes; let nothing else run.

    Examples:
    {examples}
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = "mnist"
    """Images of the size to measure with."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=("--record",))] = None
    """Write bench.json, or growth.json and growth.png, into this folder; by default no file is
    written."""
    growth: bool = False
    """Measure instead how time and memory grow with batch, width, data and samples."""
    turns: int = 9
    """How many times each pair takes turns."""
    threads: int | None = None
    """Processor threads; all where not given."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _bench(o: BenchOptions) -> dict[str, Any]:
    import torch

    from adversarial_nets.bench import records
    from adversarial_nets.bench.scaling import measure_scaling
    from adversarial_nets.bench.speed import measure_speed

    reporter = printer(o.json)
    if o.growth:
        grown = measure_scaling(o.threads or torch.get_num_threads(), reporter.work)
        result, lines = grown.to_json(), records.scaling_lines(grown)
        files = records.write_scaling(grown, o.out) if o.out else []
    else:
        fast = measure_speed(o.data, positive("--turns", o.turns, 9), reporter.work)
        result, lines = dataclasses.asdict(fast), records.speed_lines(fast)
        files = records.write_speed(fast, o.out) if o.out else []
    for line in [*lines, *(f"File: {path}" for path in files)]:
        reporter.say(line)
    return result


COMMANDS: dict[str, Command] = {
    "table1": (
        Table1,
        _table1,
        ("table1 --quick", "table1 --run runs/mnist-mnist-0", "table1 --rows dbn vae --seeds 3"),
    ),
    "reproduce": (
        Reproduce,
        _reproduce,
        (
            "reproduce",
            "reproduce figure2a figure3 --profile full",
            "reproduce figure2b --use figure2b=runs/faces",
        ),
    ),
    "claim": (ClaimOptions, _claim, ("claim helvetica", "claim steps --seed 1")),
    "bench": (BenchOptions, _bench, ("bench", "bench mnist-5k --json", "bench --growth")),
}
