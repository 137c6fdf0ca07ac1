"""Table 1 (§5): every row fitted, sampled and scored the same way, and put side by side.

    OUT/DATA/ROW-SEED/            one run's folder for each row (see `runs`), and in it
        score-GRID.json           the row's results: scores, times, curve, settings
        samples.png, path.png     samples in Figure 2's manner; steps of its chain, or a line in z
    OUT/table1.txt, .json, .html  the table
    OUT/samples.png, paths.png    every row's samples and paths, one row under the other

What is missing is trained, what was interrupted goes on, what is recorded is not made again. The
test images are touched once, when a row is finished; all choices are made on validation images.
"""

import base64
import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets import datasets, report
from adversarial_nets.baselines import ROWS, SINGLE, Chains, FitSession, Row, begin, fill
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.evaluation.calibration import reference_samples
from adversarial_nets.evaluation.parzen import GRIDS, log_likelihood, named, parzen_on
from adversarial_nets.evaluation.published import PUBLISHED
from adversarial_nets.game import sample as sample_G
from adversarial_nets.plots import interpolation, sheets, style
from adversarial_nets.presets import preset_for
from adversarial_nets.progress import Progress
from adversarial_nets.runs import checkpoints, game_state
from adversarial_nets.runs import files as runs_files
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs.provenance import made_with
from adversarial_nets.training.session import TrainingSnapshot, train

__all__ = ["NAMES", "Result", "Table", "as_text", "recorded", "table1"]

ADVERSARIAL, REFERENCES = "adversarial-nets", "references"
NAMES = (*ROWS, ADVERSARIAL, REFERENCES)
"""What can be asked for: the models, the adversarial nets, and what is no model at all."""

SAMPLES = 10_000
_STRIP = 10  # images in a row's strip
_UNTHINNED = ", one chain"
# Enough to compare one model with another.
_SEARCH, _QUICK_SEARCH = Chains(burn_in=200, every=20), Chains(burn_in=50, every=5)
_SEARCH_SAMPLES = 1000  # of chains; where a sample costs one pass, as many as are scored
_QUICK = Chains(burn_in=100, every=10)
_PUBLISHED_AS = {
    "VAE": "VAE 500, z 8",
    "training images": "real training images",
    "k-means": "k-means centroids",
}


@dataclass(frozen=True)
class Result:
    """One line of the table.

    Attributes:
        model: the row's name; what differs from its plain form stands after a comma.
        dataset: the data set's name.
        grid: the grid that σ came from.
        nats: Parzen log-likelihood of the test images; the mean over seeds, where several.
        se: its standard error over test images (over folds, where the data has folds).
        sigma: σ, chosen on validation images.
        at_edge: whether σ is at an end of its grid.
        seeds: how many seeds were run.
        spread: standard deviation of `nats` over seeds; None for one seed.
        published: the published value on this data set, if there is one.
        samples: how many samples were scored.
        train_seconds: processor seconds of one thread that training took (for the adversarial
            nets: seconds of the clock); None for what is not trained.
        samples_per_second: in processor seconds, burn-in and thinning included.
        steps_per_sample: steps of a Markov chain for each sample; 1 is a single pass.
        note: how it was made.
    """

    model: str
    dataset: str
    grid: str
    nats: float
    se: float
    sigma: float
    at_edge: bool
    seeds: int
    spread: float | None
    published: float | None
    samples: int
    train_seconds: float | None
    samples_per_second: float | None
    steps_per_sample: float | None
    note: str


@dataclass(frozen=True)
class Table:
    """The table as it stands: its lines, what is still missing, and its files."""

    results: tuple[Result, ...]
    missing: tuple[tuple[str, str], ...]
    files: tuple[Path, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the plain object that ``advnets table1 --json`` prints."""
        return {"rows": [dataclasses.asdict(result) for result in self.results]}


@dataclass(frozen=True)
class _Plan:
    """What one call of `table1` makes."""

    out: Path
    grid: str
    quick: bool
    run: Path | None
    on_progress: Progress | None

    @property
    def chains(self) -> Chains:
        """How the thinned samples are taken."""
        return _QUICK if self.quick else Chains()


def table1(
    data: Sequence[str] = ("mnist",),
    out: Path = Path("runs/table1"),
    *,
    rows: Sequence[str] = NAMES,
    grid: str = "paper",
    seeds: int = 1,
    quick: bool = False,
    run: Path | None = None,
    on_progress: Progress | None = None,
) -> Table:
    """Make what is missing of the table and write it.

    Args:
        data: names for `datasets.load`.
        out: the folder of everything.
        rows: which rows, of `NAMES`.
        grid: ``paper`` or ``fine``.
        seeds: how many seeds of each row that is trained: 0, 1, ….
        quick: short trainings of small nets.
        run: a run of the adversarial nets on the data, read and not written to, in place of
            training one.
        on_progress: called with what is being done, how much is done, and of how much.

    Raises:
        UserError: unknown names, a folder that holds other settings or a row made otherwise, and
            all that the data set's loader and the evaluator refuse.
        Stopped: SIGINT or SIGTERM came; what was being trained is saved.
        Diverged: a fitting met a number that is not finite.
    """
    _check_names(rows)
    if seeds < 1:
        raise UserError(f"--seeds is {seeds}; it must be 1 or more.")
    plan = _Plan(out, grid, quick, run, on_progress)
    for name in data:
        dataset = datasets.load(name, on_progress=on_progress)
        if dataset.range != (0.0, 1.0):
            raise UserError(f"The models of Table 1 are for images in [0, 1]; {name} is not.")
        for row in rows:
            # A run that is only read is one run, however many seeds the other rows get.
            once = row == REFERENCES or (row == ADVERSARIAL and run is not None)
            for seed in range(1 if once else seeds):
                _make(row, dataset, seed, plan)
    table = recorded(out, data, NAMES, grid)  # of other rows too, that were made before
    return dataclasses.replace(table, files=_write(table, out))


def _check_names(rows: Sequence[str]) -> None:
    for name in rows:
        if name not in NAMES:
            raise unknown_name(name, list(NAMES), "row")


def _make(row: str, data: Dataset, seed: int, plan: _Plan) -> None:
    """One row's record, unless there is one."""
    folder = plan.out / _as_folder(data.name) / f"{row}-{seed}"
    record = folder / f"score-{plan.grid}.json"
    own = row == ADVERSARIAL
    made = {"quick": plan.quick} | ({"run": str(plan.run)} if plan.run and own else {})
    if record.exists():
        _refuse_another(record, made)
        return
    if row == ADVERSARIAL:
        results = _adversarial(data, seed, folder, plan)
    elif row == REFERENCES:
        results = _references(data, folder, plan)
    else:
        results = _model(ROWS[row], data, seed, folder, plan)
    lines = [dataclasses.asdict(result) for result in results]
    content = {"format": runs_files.FORMAT, "image_shape": data.image_shape, "rows": lines}
    content |= {"made": made, "made_with": made_with(data)}
    with runs_files.explain_os_errors(folder):
        runs_files.write_atomically(
            record, json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        )


def _refuse_another(record: Path, made: Mapping[str, Any]) -> None:
    """Refuse to pass off what is recorded as what was asked for."""
    was = runs_files.read_json(record).get("made", {})
    for name, value in made.items():
        if was.get(name, value) != value:
            raise UserError(
                f"{record} was made with {name} = {was[name]}, not {value}. Give this table a "
                "folder of its own with --out, or delete that file."
            )


# --- The three kinds of rows ----------------------------------------------------------------------


def _model(row: Row, data: Dataset, seed: int, folder: Path, plan: _Plan) -> list[Result]:
    """Fit, choose on validation images, sample, score: thinned chains, and one unthinned."""
    settings = row.quick if plan.quick else row.settings
    if hasattr(settings, "seed"):
        settings = dataclasses.replace(settings, seed=seed)
    images = data.floats(data.train)

    def samples_of(model: object, n: int, policy: Chains) -> Tensor:
        if row.is_chain:
            said = named(plan.on_progress, row.name)
            return row.sample(model, n, start=images, seed=seed, policy=policy, on_progress=said)
        return row.sample(model, n, seed=seed)

    valid = data.floats(data.valid[:1000])

    def score(model: object) -> float:
        search = _QUICK_SEARCH if plan.quick else _SEARCH
        samples = samples_of(model, _SEARCH_SAMPLES if row.is_chain else SAMPLES, search)
        return log_likelihood(valid, samples, GRIDS["paper"]).mean(1).max().item()

    def watch(update: int, total: int, loss: float) -> None:
        if plan.on_progress:
            plan.on_progress(f"{row.name}, loss {loss:.4g}: update", update, total)

    per_epoch = max(len(images) // getattr(settings, "batch", len(images)), 1)
    with runs_files.lock(folder):
        begin(folder, row.name, data, dataclasses.asdict(settings))
        session = FitSession(folder, score=row.score_every * per_epoch, scored=score, watch=watch)
        model = row.fit(images, settings, session)
        if session.best:
            best = checkpoints.read_checkpoint(checkpoints.checkpoint_folder(folder, "best"))
            fill(model.tensors(), best.nets)
        if row.tune:
            model = row.tune(model, score)
        policies = {"": plan.chains} | ({_UNTHINNED: SINGLE} if row.is_chain else {})
        results = []
        for suffix, policy in policies.items():
            started = time.process_time()
            samples = samples_of(model, SAMPLES, policy)
            seconds = time.process_time() - started
            result = _result(
                row.name + suffix,
                data,
                samples,
                plan,
                train_seconds=round(session.seconds, 1),
                samples_per_second=SAMPLES / seconds,
                steps_per_sample=policy.steps(SAMPLES) / SAMPLES if row.is_chain else 1.0,
                note=(row.chosen(model) + "; " if row.chosen else "")
                + _policy_words(row, policy, session),
            )
            results.append(result)
            _draw(samples, data, folder, result.model)
        if row.is_chain:
            path = samples_of(model, _STRIP, Chains(1, plan.chains.burn_in, 1))
            _draw_path(path, data, folder, row.name)
        elif row.z_of and row.decode:
            z = row.z_of(model, 2, seed)
            path = row.decode(model, interpolation.straight_lines(z[:1], z[1:], _STRIP)[0])
            _draw_path(path, data, folder, row.name)
    return results


def _policy_words(row: Row, policy: Chains, session: FitSession) -> str:
    """How the samples were taken, and from which round's model."""
    best = session.best
    which = f"round {best['round']:,}, the best on validation images; " if best else ""
    if not row.is_chain:
        return f"{which}one pass for each sample"
    if policy.chains == 1:
        return f"{which}one chain from a training image, every state kept"
    return (
        f"{which}{policy.chains} chains from training images, burn-in {policy.burn_in:,}, one "
        f"state of {policy.every:,} kept"
    )


def _adversarial(data: Dataset, seed: int, folder: Path, plan: _Plan) -> list[Result]:
    """The adversarial nets: the raw generator, as published, and its running average."""
    if plan.run is not None:
        run = runs_folder.open_run(plan.run)
        if run.fingerprint != datasets.fingerprint(data):
            raise UserError(f"{plan.run} was not trained on {data.name}.")
        folder.mkdir(parents=True, exist_ok=True)
    else:
        preset, chosen = preset_for(data.name)
        settings = dataclasses.replace(chosen.settings, seed=seed)
        said = plan.on_progress

        def look(look: TrainingSnapshot) -> None:
            if said:
                said("Adversarial nets: round", look.row["round"], look.rounds)

        run = train(data, preset=preset, settings=settings, run=folder, callbacks=[look])
    results = []
    for weights in ("raw", "averaged") if run.settings.ema_decay else ("raw",):
        G, step = game_state.load_generator(run, "best", weights)
        state = checkpoints.read_checkpoint(checkpoints.checkpoint_folder(run.folder, "best")).state
        started = time.process_time()
        samples = sample_G(G, run.settings, SAMPLES, "samples to score").float()
        seconds = time.process_time() - started
        name = "Adversarial nets" + (", averaged weights" if weights == "averaged" else "")
        result = _result(
            name,
            data,
            samples,
            plan,
            train_seconds=round(state["seconds"], 1),
            samples_per_second=SAMPLES / seconds,
            steps_per_sample=1.0,
            note=f"preset {run.preset}, round {step:,}, the best on validation images"
            + (" for the raw G" if weights == "averaged" else "")
            + "; one pass for each sample",
        )
        results.append(result)
        _draw(samples, data, folder, name)
        _draw_path(interpolation.interpolate(G, run.settings, 1, _STRIP)[0], data, folder, name)
    return results


def _references(data: Dataset, folder: Path, plan: _Plan) -> list[Result]:
    """Training images, k-means centroids and the mean image: no models, but they have scores."""
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    found = reference_samples(data, samples=SAMPLES, on_progress=plan.on_progress)
    for name, (samples, note) in found.items():
        results.append(_result(name, data, samples, plan, note=note))
        if len(samples) > 1:
            _draw(samples, data, folder, name)
    return results


def _result(
    model: str,
    data: Dataset,
    samples: Tensor,
    plan: _Plan,
    *,
    note: str,
    train_seconds: float | None = None,
    samples_per_second: float | None = None,
    steps_per_sample: float | None = None,
) -> Result:
    """Score samples by the protocol of Table 1."""
    score = parzen_on(data, samples, plan.grid, named(plan.on_progress, model))
    wanted = _PUBLISHED_AS.get(model, model)
    published = {entry.model: entry.nats for entry in PUBLISHED.get(data.name, ())}
    return Result(
        model=model,
        dataset=data.name,
        grid=score.grid,
        nats=score.nats,
        se=score.se,
        sigma=score.sigma,
        at_edge=score.at_edge,
        seeds=1,
        spread=None,
        published=published.get(wanted),
        samples=score.samples,
        train_seconds=train_seconds,
        samples_per_second=samples_per_second,
        steps_per_sample=steps_per_sample,
        note=note,
    )


# --- Pictures of a row ----------------------------------------------------------------------------


def _draw(samples: Tensor, data: Dataset, folder: Path, model: str) -> None:
    """Figure 2's panel, and ten samples for the picture of all rows; random ones, not picked."""
    sheet = sheets.figure2_sheet(samples[:20], data)
    _write_picture(folder, model, "figure2", sheets.sheet_png(sheet, 2))
    _write_picture(folder, model, "samples", _row_png(samples, data))


def _draw_path(images: Tensor, data: Dataset, folder: Path, model: str) -> None:
    _write_picture(folder, model, "path", _row_png(images, data))


def _row_png(images: Tensor, data: Dataset) -> bytes:
    return sheets.grid_png(images[:_STRIP], data.image_shape, data.range, columns=_STRIP)


def _write_picture(folder: Path, model: str, kind: str, content: bytes) -> None:
    with runs_files.explain_os_errors(folder):
        runs_files.write_atomically(_picture(folder, model, kind), content)


def _picture(folder: Path, model: str, kind: str) -> Path:
    return folder / f"{_as_folder(model)}-{kind}.png"


# --- The table ------------------------------------------------------------------------------------


def recorded(
    out: Path,
    data: Sequence[str] = (),
    rows: Sequence[str] = NAMES,
    grid: str = "paper",
) -> Table:
    """The table from what is recorded in a folder; nothing is trained.

    Args:
        out: the folder that `table1` wrote to.
        data: which data sets; all that are recorded where not given.
        rows: which rows.
        grid: the grid of σ.

    Raises:
        UserError: there is no such row, or a record is damaged.
    """
    _check_names(rows)
    names = data or sorted(path.name for path in out.glob("*") if path.is_dir())
    results, missing = [], []
    for name in names:
        for row in rows:
            records = sorted((out / _as_folder(name)).glob(f"{row}-[0-9]*/score-{grid}.json"))
            by_model: dict[str, list[Result]] = {}
            for record in records:
                for result in _read(record):
                    by_model.setdefault(result.model, []).append(result)
            results += [_over_seeds(found) for found in by_model.values()]
            if not records:
                missing.append((row, name))
    return Table(tuple(results), tuple(missing))


def _read(record: Path) -> list[Result]:
    try:
        return [Result(**row) for row in runs_files.read_json(record)["rows"]]
    except (KeyError, TypeError) as error:
        raise UserError(f"{record} is damaged ({error}); delete it and run again.") from error


def _over_seeds(results: Sequence[Result]) -> Result:
    """One line of the same row with several seeds."""
    if len(results) == 1:
        return results[0]
    nats = np.array([result.nats for result in results])
    return dataclasses.replace(
        results[0],
        nats=float(nats.mean()),
        se=float(np.mean([result.se for result in results])),
        seeds=len(results),
        spread=float(nats.std(ddof=1)),
    )


_HEAD = ("model", "nats", "published", "σ", "trained", "samples/s", "steps/sample")


def as_text(table: Table) -> str:
    """The table in plain characters."""
    lines = []
    for name, results in _by_data(table):
        lines += [name + (f", grid {results[0].grid}" if results else ""), ""]
        cells = [_HEAD] + [_cells(result) for result in results]
        cells += [(row, "not yet", "", "", "", "", "") for row in _missing(table, name)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(_HEAD))]
        for row in cells:
            first, *rest = (
                cell.ljust(w) if i == 0 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            lines.append("  ".join((first, *rest)).rstrip())
        lines.append("")
    return "\n".join(lines)


def _by_data(table: Table) -> list[tuple[str, list[Result]]]:
    """The lines of each data set, in the order of the table."""
    names = dict.fromkeys([r.dataset for r in table.results] + [d for _, d in table.missing])
    return [(name, [r for r in table.results if r.dataset == name]) for name in names]


def _missing(table: Table, name: str) -> list[str]:
    """The rows of a data set that were asked for and are not there."""
    return [ROWS[row].name if row in ROWS else row for row, data in table.missing if data == name]


def _cells(r: Result) -> tuple[str, ...]:
    """A line's words: model, nats, published, σ, training time, samples a second, steps."""
    over = "" if r.spread is None else f" (± {r.spread:.1f} over {r.seeds} seeds)"
    return (
        r.model,
        f"{r.nats:.1f} ± {r.se:.1f}{over}".replace("-", "−"),
        "" if r.published is None else f"{r.published:.0f}",
        f"{r.sigma:.3f}" + (" (edge)" if r.at_edge else ""),
        "" if r.train_seconds is None else _duration(r.train_seconds),
        "" if r.samples_per_second is None else f"{r.samples_per_second:,.0f}",
        "" if r.steps_per_sample is None else f"{r.steps_per_sample:,.0f}",
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _write(table: Table, out: Path) -> tuple[Path, ...]:
    """table1.txt, .json and .html, and the pictures of all rows."""
    contents: dict[str, str | bytes] = {
        "table1.txt": as_text(table),
        "table1.json": json.dumps(table.to_json(), indent=2, ensure_ascii=False) + "\n",
        "table1.html": _page(table, out),
    }
    for name, results in _by_data(table):
        for kind in ("samples", "path"):
            found = {r.model: _find(out, r, kind) for r in results}
            rows = {model: _pictures(path) for model, path in found.items() if path is not None}
            if rows:
                picture = style.to_png(sheets.plot_image_rows(rows))
                contents[f"{_as_folder(name)}-{kind}.png"] = picture
    with runs_files.explain_os_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        for file, content in contents.items():
            runs_files.write_atomically(out / file, content)
    return tuple(out / file for file in contents)


def _find(out: Path, r: Result, kind: str) -> Path | None:
    """A row's picture, of its first seed."""
    name = f"{_as_folder(r.model)}-{kind}.png"
    return min((out / _as_folder(r.dataset)).glob(f"*/{name}"), default=None)


def _pictures(path: Path) -> NDArray[np.uint8]:
    """The pictures in a row's strip."""
    record = runs_files.read_json(next(path.parent.glob("score-*.json")))
    channels, height, width = record["image_shape"]
    return sheets.read_grid(path.read_bytes(), (channels, height, width), _STRIP, columns=_STRIP)


def _page(table: Table, out: Path) -> str:
    """One HTML page that opens offline."""

    def uri(result: Result, kind: str) -> str | None:
        path = _find(out, result, kind)
        if path is None:
            return None
        return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()

    return report.template("table1.html").render(
        tables=[(name, results, _missing(table, name)) for name, results in _by_data(table)],
        head=_HEAD,
        cells=_cells,
        uri=uri,
    )


def _as_folder(name: str) -> str:
    """A data set's or a model's name, made fit for a file's."""
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in name)
