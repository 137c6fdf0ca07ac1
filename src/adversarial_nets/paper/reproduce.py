"""The whole paper, part by part, and one page of what came of it: ``advnets reproduce``.

Each part leaves a record, OUT/parts/NAME.json, and its pictures beside it; trainings are runs in
OUT/runs. So a subset can be made today and another tomorrow, an interrupted training goes on, and
the page, OUT/reproduction.html, always shows all parts in the paper's order, those that nobody has
run included.
"""

import dataclasses
import hashlib
import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from adversarial_nets import __version__, datasets
from adversarial_nets.errors import DataNotFound, UserError, unknown_name
from adversarial_nets.evaluation import PUBLISHED, evaluate
from adversarial_nets.evaluation.score import load_data
from adversarial_nets.game import sample
from adversarial_nets.paper import training_claims
from adversarial_nets.paper.figure1 import figure1
from adversarial_nets.paper.function_space import function_space
from adversarial_nets.paper.related_work import related_work
from adversarial_nets.paper.theory_figure import theory_figure
from adversarial_nets.plots import sheets, style
from adversarial_nets.presets import PRESETS
from adversarial_nets.progress import Progress
from adversarial_nets.report import default_weights, paper_page, write_report
from adversarial_nets.runs import checkpoints, files, game_state
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs.folder import Run
from adversarial_nets.theory import divergences, statements
from adversarial_nets.toys.line import ROUNDS
from adversarial_nets.training.session import TrainingSnapshot, train

__all__ = ["PARTS", "Part", "Reproduction", "reproduce"]

Profile = Literal["quick", "full"]
OUT = Path("reproduction")
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Part:
    """One part of the paper, as it stands.

    Attributes:
        name: what to type.
        title: what the page calls it.
        section: where it is in the paper.
        published: what the paper says, in short.
        status: ``done``, or ``not run``.
        ours: what was found, in short; or why the part was not run, and how to run it.
        notes: what a reader must know, in sentences.
        tables: each a list of rows, each row by column.
        pictures: file names beside the record.
        run: the folder of the run behind it.
        made_with: profile, seed, seconds, version, the command, and what was read: which run or
            table, and how it stood.
    """

    name: str
    title: str
    section: str
    published: str
    status: Literal["done", "not run"] = "not run"
    ours: str = ""
    notes: tuple[str, ...] = ()
    tables: tuple[tuple[Mapping[str, Any], ...], ...] = ()
    pictures: tuple[str, ...] = ()
    run: str | None = None
    made_with: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reproduction:
    """All parts in the paper's order, and the page that shows them.

    Attributes:
        parts: as they stand.
        html: the page.
        kept: parts that were asked for and not made, since what stands there is worth more; why.
    """

    parts: tuple[Part, ...]
    html: Path
    kept: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """As the plain object that ``advnets reproduce --json`` prints."""
        keys = ("name", "status", "ours", "published")
        return {
            "parts": [{key: getattr(part, key) for key in keys} for part in self.parts],
            "html": str(self.html),
        }


@dataclass(frozen=True)
class _Plan:
    """What one call of `reproduce` was asked for."""

    out: Path
    profile: Profile
    seed: int
    use: Mapping[str, Path]
    on: Progress

    @property
    def folder(self) -> Path:
        """Of the records and the pictures."""
        return self.out / "parts"

    def command(self, name: str, *options: str) -> str:
        """What to type for a part; in a profile that has it, where no options are given."""
        options = options or (("--profile", "full") if name in _FULL_ONLY else ())
        out = () if self.out == OUT else ("--out", str(self.out))
        return shlex.join(["advnets", "reproduce", name, *options, *out])

    def reads(self, name: str) -> dict[str, Path]:
        """What a part reads instead of making it: runs by the part they stand for, and a table."""
        found = {n: self.use[n] for n in _TAKES.get(name, (name,)) if n in self.use}
        table = _table1_file(self) if "table1" in _TAKES.get(name, (name,)) else None
        return found | ({"table1": table} if table else {})


Made = dict[str, Any]
"""The fields of a `Part` that making it has filled in."""


# --- §2 to §4: other models, toys and theory ------------------------------------------------------


def _related_work(plan: _Plan) -> Made:
    found = related_work(plan.folder / "related-work", seed=plan.seed, on_progress=plan.on)
    gradients = tuple(
        {
            "model": f.model,
            "discrete units": f.discrete,
            "gradient before the hidden units": f"{f.below:.3f}",
            "after them": f"{f.above:.3f}",
        }
        for f in found.gradient_norms
    )
    noise = tuple(
        {"noise, σ from the data": d, "error": f"{e:.3f}", "in theory": f"{t:.3f}"}
        for d, e, t in zip(found.distances, found.error, found.error_in_theory, strict=True)
    )
    codes = tuple(
        {"a code for": c.rule, "loses": f"{c.lost:.1%}", "ρ² of its units": f"{c.predictable:.1%}"}
        for c in found.codes
    )
    return {
        "ours": "discrete visible units leave G no gradient; noise "
        f"{found.distances[-1]:g} σ off costs noise-contrastive estimation "
        f"{found.error[-1] / found.error[0]:.0f} times the error; predictability alone loses "
        f"{found.codes[1].lost:.0%} of the data; a small step leaves a classifier "
        f"{found.accuracy_adversarial:.0%} right",
        "tables": (gradients, noise, codes),
        "pictures": ("related-work/related-work.png",),
    }


def _figure1(plan: _Plan) -> Made:
    found = figure1(
        "gaussian",
        plan.folder / "figure1",
        rounds=ROUNDS,
        seed=plan.seed,
        movie=False,
        on_snapshot=lambda frame, rounds: plan.on("Figure 1: round", frame.round, rounds),
    )
    return {
        "ours": f"D ends {found.distance:.3f} from D*; JSD(p_data ‖ p_g) {found.jsd:.1e} nats; "
        f"V = {found.V:.4f}, and −log 4 = {-divergences.LOG4:.4f}",
        "pictures": ("figure1/figure1.png",),
    }


def _theory(plan: _Plan) -> Made:
    found = statements.checks(plan.seed)
    theory_figure(plan.folder / "theory", seed=plan.seed)
    rows = tuple(
        {"statement": c.statement, "largest error": f"{c.max_error:.1e}", "holds": c.holds}
        for c in found
    )
    return {
        "ours": f"{sum(c.holds for c in found)} of {len(found)} statements hold numerically",
        "tables": (rows,),
        "pictures": ("theory/theory.png",),
    }


def _function_space(plan: _Plan) -> Made:
    found = function_space(
        "gaussian",
        plan.folder / "function-space",
        seed=plan.seed,
        on_snapshot=lambda frame, rounds: plan.on("function space: step", frame.round, rounds),
    )
    return {
        "ours": f"in function space JSD {found.jsd[-1]:.1e} after {len(found.jsd) - 1} steps, "
        f"{found.rises[0]} of which rose; in parameters {found.jsd_parameters[-1]:.2g}",
        "pictures": ("function-space/function-space.png",),
    }


def _claim(name: str) -> Callable[[_Plan], Made]:
    def make(plan: _Plan) -> Made:
        found, picture = training_claims.claim(
            name, plan.folder, seed=plan.seed, on_progress=plan.on
        )
        return {
            "ours": _FINDINGS[name](found.rows),
            "notes": (found.statement, found.method),
            "tables": (found.rows,),
            "pictures": (picture.name,),
        }

    return make


def _gradients(rows: Rows) -> str:
    row = max(rows, key=itemgetter("ratio"))
    return (
        f"the non-saturating one is up to {row['ratio']:.0f} times as long (round {row['round']}, "
        f"D(G(z)) {row['D(G(z))']:.2f})"
    )


def checkpoint_rounds(rows: Rows) -> str:
    widest, best = max(rows, key=itemgetter("gap")), max(rows, key=itemgetter("Parzen, nats"))
    return (
        f"V on training images is at most {widest['gap']:.3f} above V on held-out ones "
        f"(k = {widest['k']}); the best Parzen score is k = {best['k']}'s, for as many updates of D"
    )


def _head_start(rows: Rows) -> str:
    last = f"round {rows[0]['rounds']}"
    scores = (f"{row[last]:.1f} after {row['head start']} rounds alone" for row in rows)
    return f"nats at {last}: {', '.join(scores)}"


def _parzen_spread(rows: Rows) -> str:
    row = max(rows, key=itemgetter("dimensions", "samples"))
    return (
        f"of a perfect model in {row['dimensions']} dimensions, from {row['samples']:,} samples: "
        f"{-row['error']:.0f} nats below the truth, spread {row['spread']:.2f}"
    )


def _helvetica(rows: Rows) -> str:
    row = rows[-1]
    return (
        f"digits hit at round {row['round']:,}: {row['digits, both learn']} where both learn, "
        f"{row['digits, D stands still']} where D stands still since round 1,500"
    )


_FINDINGS: Mapping[str, Callable[[Rows], str]] = MappingProxyType(
    {
        "gradients": _gradients,
        "steps": checkpoint_rounds,
        "head-start": _head_start,
        "parzen-spread": _parzen_spread,
        "helvetica": _helvetica,
    }
)
"""What a claim's table comes to, in a sentence."""


# --- §5: trainings --------------------------------------------------------------------------------

_QUICK_ROUNDS = 3000
_FULL_ONLY = ("figure2b", "figure2c", "figure2d")
_TRAININGS: Mapping[str, tuple[tuple[str, str], tuple[str, ...]]] = MappingProxyType(
    {
        "figure2a": (("mnist", "mnist"), ("mnist",)),
        "figure2b": (("tfd", "tfd-standin"), ("tfd", "tfd-stage2")),
        "figure2c": (("cifar10", "cifar10-copy"), ("cifar10",)),
        "figure2d": (("cifar10", "cifar10-copy"), ("cifar10-convolutional",)),
    }
)
"""By part: the data set, and what takes its place where it is missing; the presets, in order."""


def _look(plan: _Plan, name: str) -> Callable[[TrainingSnapshot], None]:
    return lambda look: plan.on(f"{name}: round", look.row["round"], look.rounds)


def _run_of(part: str, plan: _Plan) -> Run:
    """The part's run, trained as far as the profile says, or as it stands where it was named.

    Raises:
        UserError: the profile does not have this part, or its data are missing.
    """
    if part in plan.use:
        return runs_folder.open_run(plan.use[part])
    (data, instead), presets = _TRAININGS[part]
    if plan.profile == "quick":
        if part in _FULL_ONLY:
            raise UserError(
                "Not in the quick profile, which has the embedded digits only. Run it with: "
                + plan.command(part)
            )
        settings = dataclasses.replace(PRESETS["quickstart"].settings, seed=plan.seed)
        return train(
            "mnist-5k",
            preset="quickstart",
            settings=settings,
            run=plan.out / "runs" / f"quick-mnist-5k-{plan.seed}",
            rounds=_QUICK_ROUNDS,
            callbacks=[_look(plan, "mnist-5k")],
        )
    try:
        images = datasets.load(data, on_progress=plan.on)
    except DataNotFound as missing:
        try:
            images = datasets.load(instead, on_progress=plan.on)
        except DataNotFound as error:
            raise UserError(f"{missing} {error}" if instead != data else str(error)) from error
    below = None
    for preset in presets:
        run = train(
            images,
            preset=preset,
            settings=dataclasses.replace(PRESETS[preset].settings, seed=plan.seed),
            run=plan.out / "runs" / f"{images.name}-{preset}-{plan.seed}",
            callbacks=[_look(plan, f"{images.name}, {preset}")],
            onto=below,
        )
        below = run.folder
    return run


def _figure2(part: str) -> Callable[[_Plan], Made]:
    def make(plan: _Plan) -> Made:
        run = _run_of(part, plan)
        (published_on, _), _ = _TRAININGS[part]
        data, weights = load_data(run), default_weights(run)
        G, step = game_state.load_generator(run, "last", weights)
        samples = sample(G, run.settings, 20, "samples to score").float()
        picture = style.to_png(sheets.figure2(samples, data))
        with files.explain_os_errors(plan.folder):
            files.write_atomically(plan.folder / f"{part}.png", picture)
        found = evaluate(run, data, weights=weights, on_progress=plan.on)
        write_report(run, data)
        rows = tuple(
            {"what": name, "nats": f"{s.nats:.1f} ± {s.se:.1f}", "σ": f"{s.sigma:.3f}"}
            for name, s in [
                (f"{weights} G, round {step:,}", found.parzen),
                *((row.name, row.score) for row in found.calibration),
            ]
        )
        return {
            "ours": f"{data.name}, preset {run.preset}, {weights} G at round {step:,}: "
            f"{found.parzen}"
            + (f"; {_NOT_COMPARABLE}" if run.data != published_on in PUBLISHED else ""),
            "notes": (data.provenance, *_caveats(run, part)),
            "tables": (rows,),
            "pictures": (f"{part}.png",),
            "run": str(run.folder),
        }

    return make


_NOT_COMPARABLE = "not comparable with the published number"


def _caveats(run: Run, part: str) -> tuple[str, ...]:
    """In what a run is not the part's published one."""
    notes = []
    if run.preset in PRESETS and not PRESETS[run.preset].published:
        notes.append(f"Preset {run.preset} is not the published game: {PRESETS[run.preset].why}")
    if run.data != _TRAININGS[part][0][0]:
        notes.append(f"The data are {run.data}, so no published number compares with this one.")
    return tuple(notes)


def _figure3(plan: _Plan) -> Made:
    run = _run_of("figure2a", plan)
    weights = default_weights(run)
    G, step = game_state.load_generator(run, "last", weights)
    images = sheets.interpolation(G, run.settings)
    picture = style.to_png(sheets.figure3(images, load_data(run)))
    with files.explain_os_errors(plan.folder):
        files.write_atomically(plan.folder / "figure3.png", picture)
    return {
        "ours": f"{len(images)} straight lines in z, of the {weights} G of {run.data} at round "
        f"{step:,}",
        "notes": _caveats(run, "figure2a"),
        "pictures": ("figure3.png",),
        "run": str(run.folder),
    }


# --- §5 and §6: the tables ------------------------------------------------------------------------


def _table1_file(plan: _Plan) -> Path | None:
    """Where ``advnets table1`` has recorded its rows, by this reproduction or beside it."""
    places = (plan.out / "table1", Path("runs/table1"), Path("results"))
    paths = (plan.use.get("table1"), *(place / "table1.json" for place in places))
    return next((path for path in paths if path and path.is_file()), None)


def _table1_rows(plan: _Plan) -> list[dict[str, Any]]:
    """The recorded rows: at least one.

    Raises:
        UserError: nothing is recorded, or something else than rows.
    """
    path = _table1_file(plan)
    if not path:
        raise UserError(
            "No results of the other models are recorded. Make them with: advnets table1"
        )
    try:
        rows = [
            {name: kind(row[name]) for name, kind in _TABLE1_NEEDS.items()}
            | {name: None if row[name] is None else float(row[name]) for name in _TABLE1_MAY_LACK}
            for row in json.loads(path.read_text())["rows"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not what advnets table1 writes ({error!r}). Make it with: advnets table1"
        ) from error
    if not rows:
        raise UserError(f"{path} has no rows yet. Make them with: advnets table1")
    return rows


_TABLE1_NEEDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"model": str, "dataset": str, "grid": str, "nats": float, "se": float, "sigma": float}
)
_TABLE1_MAY_LACK = ("published", "samples_per_second", "steps_per_sample")


def _table1(plan: _Plan) -> Made:
    rows = _table1_rows(plan)
    table = tuple(
        {
            "model": row["model"],
            "data": row["dataset"],
            "ours, nats": f"{row['nats']:.1f} ± {row['se']:.1f}",
            "published": "" if row["published"] is None else f"{row['published']:g}",
            "σ": f"{row['sigma']:.3f} ({row['grid']})",
        }
        for row in rows
    )
    own = [row for row in rows if row["model"].startswith("Adversarial nets")] or rows
    return {
        "ours": f"{len(rows)} rows; "
        + ", ".join(f"{row['model']} {row['nats']:.1f} ± {row['se']:.1f}" for row in own[:2]),
        "notes": (f"From {_table1_file(plan)}.",),
        "tables": (table,),
    }


def _table2(plan: _Plan) -> Made:
    """Table 2 is about difficulties; the one that can be timed is sampling."""
    rows: list[dict[str, Any]] = []
    if _table1_file(plan):
        timed = ("samples_per_second", "steps_per_sample")
        rows = [row for row in _table1_rows(plan) if None not in map(row.get, timed)]
    if not rows:
        run = _run_of("figure2a", plan)
        G, _ = game_state.load_generator(run)
        started = time.process_time()
        sample(G, run.settings, 10_000)
        rate = 10_000 / (time.process_time() - started)
        rows.append(
            {
                "model": "Adversarial nets",
                "dataset": run.data,
                "samples_per_second": rate,
                "steps_per_sample": 1,
            }
        )
    table = tuple(
        {
            "model": row["model"],
            "data": row["dataset"],
            "samples per second": f"{row['samples_per_second']:,.0f}",
            "steps per sample": f"{row['steps_per_sample']:g}",
        }
        for row in rows
    )
    own = next((row for row in rows if row["model"].startswith("Adversarial nets")), rows[0])
    chain = max(rows, key=itemgetter("steps_per_sample"))
    return {
        "ours": "; ".join(
            f"{row['model']}: {row['samples_per_second']:,.0f} a second, steps a sample "
            f"{row['steps_per_sample']:g}"
            for row in ((own,) if chain is own else (own, chain))
        ),
        "notes": (
            "Seconds are of this machine's processor. What the paper calls hard in training, "
            "keeping D and G in step, is the claim “helvetica” below.",
        ),
        "tables": (table, _TABLE2),
    }


_TABLE2 = (
    {
        "": "training",
        "deep directed": "inference needed",
        "deep undirected": "inference and MCMC for the gradient of the partition function",
        "generative autoencoders": "trade-off between mixing and reconstruction",
        "adversarial": "synchronising D with G",
    },
    {
        "": "inference",
        "deep directed": "learned approximate",
        "deep undirected": "variational",
        "generative autoencoders": "MCMC",
        "adversarial": "learned approximate",
    },
    {
        "": "sampling",
        "deep directed": "no difficulties",
        "deep undirected": "needs a Markov chain",
        "generative autoencoders": "needs a Markov chain",
        "adversarial": "no difficulties",
    },
    {
        "": "p(x)",
        "deep directed": "intractable, approximated by AIS",
        "deep undirected": "intractable, approximated by AIS",
        "generative autoencoders": "Parzen only",
        "adversarial": "Parzen only",
    },
    {
        "": "design",
        "deep directed": "nearly all models hard",
        "deep undirected": "careful design for several properties",
        "generative autoencoders": "any differentiable function in theory",
        "adversarial": "any differentiable function",
    },
)

# --- The parts, in the paper's order --------------------------------------------------------------


def _published(data: str) -> str:
    score = next(p for p in PUBLISHED[data] if p.model == "Adversarial nets")
    return f"{score.nats:g} ± {score.se:g} nats"


_NO_NUMBER = "samples only; no number"
PARTS: Mapping[str, tuple[Part, Callable[[_Plan], Made]]] = MappingProxyType(
    {
        part.name: (part, make)
        for part, make in (
            (
                Part("related-work", "Other models", "§2", "in words only"),
                _related_work,
            ),
            (Part("figure1", "Figure 1: the game in one dimension", "§3", "D ends at ½"), _figure1),
            (
                Part("gradients", "G's two objectives", "§3", "log D gives stronger gradients"),
                _claim("gradients"),
            ),
            (Part("steps", "k steps of D", "§3", "too many overfit"), _claim("steps")),
            (
                Part("head-start", "A head start for G", "§3", "not in the paper"),
                _claim("head-start"),
            ),
            (
                Part(
                    "theory", "Theory: the optimum", "§4.1", "C(G) ≥ −log 4, only if p_g = p_data"
                ),
                _theory,
            ),
            (
                Part("function-space", "Theory: convergence", "§4.2", "p_g converges to p_data"),
                _function_space,
            ),
            (
                Part("table1", "Table 1: Parzen log-likelihood", "§5", "adversarial nets 225 ± 2"),
                _table1,
            ),
            (
                Part("parzen-spread", "How far Parzen can be trusted", "§5", "high variance"),
                _claim("parzen-spread"),
            ),
            (Part("figure2a", "Figure 2a: MNIST", "§5", _published("mnist")), _figure2("figure2a")),
            (Part("figure2b", "Figure 2b: TFD", "§5", _published("tfd")), _figure2("figure2b")),
            (
                Part("figure2c", "Figure 2c: CIFAR-10, fully connected", "§5", _NO_NUMBER),
                _figure2("figure2c"),
            ),
            (
                Part("figure2d", "Figure 2d: CIFAR-10, convolutional", "§5", _NO_NUMBER),
                _figure2("figure2d"),
            ),
            (Part("figure3", "Figure 3: lines in z", "§5", _NO_NUMBER), _figure3),
            (Part("table2", "Table 2: what is hard", "§6", "sampling: no difficulties"), _table2),
            (
                Part(
                    "helvetica", "The Helvetica scenario", "§6", "without D's updates G collapses"
                ),
                _claim("helvetica"),
            ),
        )
    }
)
"""By name, in the paper's order: what stands on the page before it is made, and what makes it."""

_USABLE = (*_TRAININGS, "table1")
_TAKES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"figure3": ("figure2a",), "table2": ("table1", "figure2a")}
)
"""What a part takes over of what was named for others; all others only of their own."""

_LONG = ("steps", "head-start")  # minutes each: not in the quick profile unless asked for
_PLAYED = (*_TRAININGS, *_TAKES)
"""Parts that come out otherwise in the other profile."""


def reproduce(
    out: Path = OUT,
    *,
    parts: Sequence[str] = (),
    profile: Profile = "quick",
    seed: int = 0,
    use: Mapping[str, Path] = MappingProxyType({}),
    again: bool = False,
    show: bool = False,
    on_progress: Progress = lambda what, done, total: None,
) -> Reproduction:
    """Make parts of the paper, and write the page of all of them: ``advnets reproduce``.

    Args:
        out: the folder of everything.
        parts: which of `PARTS` to make; all of the profile's where empty. Of the others the page
            shows what was made before. A quick part takes the place of a full one, or of a run
            that was named, only with `again`.
        profile: ``quick``, on the embedded digits in minutes, or ``full``, the published sizes.
        seed: of everything.
        use: a run to show in a part (``figure2a`` to ``figure2d``) as it stands, instead of
            training one; for ``table1`` a table1.json.
        again: make a part although it was made before.
        show: make nothing, and only write the page of what is there.
        on_progress: called with (what, done, of how much).

    Raises:
        UserError: no such part, or the folder cannot be written. What a part lacks is no error:
            the part is not run, and says why.
        Stopped: SIGINT or SIGTERM came during a training, which is saved.
    """
    if profile not in ("quick", "full"):
        raise UserError(f"--profile is {profile!r}; it must be 'quick' or 'full'.")
    for name in (*parts, *use):
        if name not in PARTS:
            raise unknown_name(name, list(PARTS), "part")
        if name in use and name not in _USABLE:
            raise UserError(f"--use is for {', '.join(_USABLE)}; {name} has nothing to take over.")
        if name in _TRAININGS and name in use:
            checkpoints.checkpoint_folder(runs_folder.open_run(use[name]).folder)
        elif name in use:
            files.read_json(use[name])
    plan = _Plan(out, profile, seed, use, on_progress)
    with files.explain_os_errors(out):
        plan.folder.mkdir(parents=True, exist_ok=True)
    wanted = parts or [n for n in PARTS if profile == "full" or n not in _LONG]
    page, kept = out / "reproduction.html", {}
    every = [_read(name, plan) for name in PARTS]  # a damaged record is said before any work
    try:
        for name in () if show else wanted:
            if why := _make(name, plan, again):
                kept[name] = why
    finally:  # also where a training was stopped
        every = [_read(name, plan) for name in PARTS]
        with files.explain_os_errors(out):
            files.write_atomically(page, paper_page(every, out))
    return Reproduction(tuple(every), page, kept)


def _make(name: str, plan: _Plan, again: bool) -> str:
    """Make a part and record it, unless it was made like this before.

    Returns:
        Why another record was left as it is, where one was.
    """
    part, make = PARTS[name]
    reads, played = plan.reads(name), name in _PLAYED
    named = plan.use.keys() & reads.keys()
    like: dict[str, Any] = {
        "seed": plan.seed,
        "version": __version__,
        "reads": {str(path): _stands(path) for path in reads.values()},
    } | ({"profile": plan.profile} if played else {})
    old = _read(name, plan)
    if old.status == "done" and not again:
        if like.items() <= old.made_with.items():
            return ""
        less = played and plan.profile == "quick" and old.made_with.get("profile") == "full"
        if (less or old.made_with.get("named")) and not named:
            return f"made by {old.made_with.get('command', 'hand')}; --again makes it anew"
    options = ["--profile", plan.profile] if played else []
    options += [word for n in sorted(named) for word in ("--use", f"{n}={plan.use[n]}")]
    like["command"] = plan.command(name, *options, "--seed", str(plan.seed))
    like["named"] = bool(named)
    started = time.monotonic()
    made: Made
    try:
        made = {"status": "done"} | make(plan)
    except UserError as error:
        if error.exit_code != UserError.exit_code:  # stopped, or diverged: not the part's own lack
            raise
        if old.status == "done":  # worth more than the reason why it cannot be made anew
            return str(error)
        made = {"status": "not run", "ours": f"not run: {error}"}
    like["seconds"] = round(time.monotonic() - started, 1)
    record = dataclasses.replace(part, **made, made_with=like)
    with files.explain_os_errors(plan.folder):
        content = json.dumps(dataclasses.asdict(record), indent=2, ensure_ascii=False) + "\n"
        files.write_atomically(plan.folder / f"{name}.json", content)
    return ""


def _stands(path: Path) -> str:
    """How a run or a file stands now: its newest checkpoint, or its checksum."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return checkpoints.checkpoint_folder(path).name


def _read(name: str, plan: _Plan) -> Part:
    """The part's record, or the part as nobody has run it."""
    part, _ = PARTS[name]
    path = plan.folder / f"{name}.json"
    if not path.exists():
        return dataclasses.replace(part, ours=f"not run; run it with: {plan.command(name)}")
    try:
        record = json.loads(path.read_text())
        record |= {key: tuple(record[key]) for key in ("notes", "pictures")}
        record["tables"] = tuple(tuple(table) for table in record["tables"])
        gone = [file for file in record["pictures"] if not (plan.folder / file).is_file()]
        if gone:
            again = f"its picture {gone[0]} is gone; make it with: {plan.command(name)}"
            return dataclasses.replace(part, ours=f"not run: {again}")
        return Part(**record)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is damaged ({error!r}); delete it and run the part again."
        ) from error
