"""One row of Table 1: fit a model, sample from it, and score the samples."""

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adversarial_nets import datasets
from adversarial_nets.baselines import (
    BASELINES,
    SINGLE_CHAIN,
    Baseline,
    ChainSampler,
    ChainSettings,
    FitSession,
    Model,
    copy_tensors,
    open_fit_folder,
)
from adversarial_nets.baselines.optimisers import batches_per_epoch
from adversarial_nets.datasets import Dataset, sample_images
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.calibration import reference_samples
from adversarial_nets.evaluation.features import classifier
from adversarial_nets.evaluation.parzen import GRIDS, log_likelihood, parzen_score_on
from adversarial_nets.evaluation.published import published_score
from adversarial_nets.game import sample as sample_G
from adversarial_nets.paper.table1 import pictures
from adversarial_nets.paper.table1.record import ADVERSARIAL_NETS, REFERENCES, Result
from adversarial_nets.plots import interpolation
from adversarial_nets.presets import PRESETS
from adversarial_nets.progress import Progress, with_prefix
from adversarial_nets.runs import checkpoints, files, game_state
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs.folder import Run
from adversarial_nets.training.default_preset import preset_for
from adversarial_nets.training.session import TrainingSnapshot, train

__all__ = ["Options", "make_row"]

SAMPLES = 10_000
"""Number of samples that are scored."""
CHAINS = ChainSettings()
QUICK_CHAINS = ChainSettings(burn_in=100, thinning=10)
"""The Markov chains for these samples, in the full and in the quick table."""
QUICK_PRESETS = {"mnist": "quickstart", "tfd": "tfd-small", "cifar10": "cifar10-small"}
"""The preset of the quick table by the preset of the full table."""
VALIDATION_SAMPLES = 1000
"""Number of samples of a Markov chain for a validation score; other models use `SAMPLES`."""
VALIDATION_CHAINS = ChainSettings(burn_in=200, thinning=20)
QUICK_VALIDATION_CHAINS = ChainSettings(burn_in=50, thinning=5)


@dataclass(frozen=True)
class Options:
    """The arguments of `table1` that a row depends on.

    Attributes:
        grid: name of the grid of σ.
        quick: whether to use the quick settings.
        run: run folder or exported generator of trained adversarial nets, if given.
        on_progress: called with (what, amount done, total).
    """

    grid: str
    quick: bool
    run: Path | None
    on_progress: Progress | None


def make_row(row: str, data: Dataset, seed: int, folder: Path, options: Options) -> list[Result]:
    """Fit, sample and score one row, and write its pictures.

    Args:
        row: name of the row.
        data: the data set.
        seed: seed of training and sampling.
        folder: the row's run folder.
        options: arguments of `table1`.

    Returns:
        The row's lines: e.g. one for thinned chains and one for a single chain.
    """
    if row == ADVERSARIAL_NETS:
        return _adversarial_nets_row(data, seed, folder, options)
    if row == REFERENCES:
        return _reference_row(data, folder, options)
    return _baseline_row(BASELINES[row], data, seed, folder, options)


# --- Baselines ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _BaselineRow:
    """A baseline on a data set, with everything that its functions need."""

    baseline: Baseline[Any, Any]
    images: Tensor
    valid: Tensor
    seed: int
    options: Options

    def samples(self, model: object, n: int, chains: ChainSettings) -> Tensor:
        """Draw n samples; `chains` is used only by models with a Markov chain."""
        sample = self.baseline.sample
        if not isinstance(sample, ChainSampler):
            return self.as_images("sample", sample(model, n, seed=self.seed), n)
        on_progress = with_prefix(self.options.on_progress, self.baseline.title)
        drawn = sample(
            model,
            n,
            training_images=self.images,
            seed=self.seed,
            chains=chains,
            on_progress=on_progress,
        )
        return self.as_images("sample", drawn, n)

    def as_images(self, function: str, made: object, n: int) -> Tensor:
        """The output of a baseline's function as n images in float32; refuses anything else."""
        shape = (n, self.images.shape[1])
        x: Any = torch.from_numpy(made) if isinstance(made, np.ndarray) else made
        is_tensor = isinstance(x, Tensor)
        if not is_tensor or not x.is_floating_point() or x.shape != shape:
            given = f"{x.dtype} of shape {tuple(x.shape)}" if is_tensor else type(made).__name__
            raise UserError(
                f"{function} of {self.baseline.title} returned {given}; it must return floats in "
                f"[0, 1] of shape {shape}, one row for each image."
            )
        return x.detach().float().cpu()

    def validation_score(self, model: object) -> float:
        """Return the Parzen log-likelihood of validation images at the best σ of the grid."""
        chains = QUICK_VALIDATION_CHAINS if self.options.quick else VALIDATION_CHAINS
        n = VALIDATION_SAMPLES if isinstance(self.baseline.sample, ChainSampler) else SAMPLES
        samples = self.samples(model, n, chains)
        return log_likelihood(self.valid, samples, GRIDS["paper"]).mean(1).max().item()


def _baseline_row(
    baseline: Baseline[Any, Any], data: Dataset, seed: int, folder: Path, options: Options
) -> list[Result]:
    row = _BaselineRow(
        baseline, data.floats(data.train), sample_images(data, "valid", 1000), seed, options
    )
    with files.lock(folder):
        model, session = _fit_baseline(row, data, folder)
        results = []
        for suffix, chains in _ways_to_sample(row):
            started = time.process_time()
            samples = row.samples(model, SAMPLES, chains)
            seconds = time.process_time() - started
            is_chain = isinstance(baseline.sample, ChainSampler)
            result = _score(
                baseline.title + suffix,
                data,
                samples,
                options,
                train_seconds=round(session.seconds, 1),
                samples_per_second=SAMPLES / seconds,
                steps_per_sample=chains.total_steps(SAMPLES) / SAMPLES if is_chain else 1.0,
                successive=chains == SINGLE_CHAIN or not is_chain,
                note=_baseline_note(baseline, model, session, chains),
            )
            pictures.write_samples(samples, data, folder, result.model)
            results.append(result)
        path = _path_images(row, model)
        if path is not None:
            pictures.write_path(path, data, folder, baseline.title)
    return results


def _fit_baseline(row: _BaselineRow, data: Dataset, folder: Path) -> tuple[Any, FitSession]:
    """Fit the model, load its best checkpoint, and tune it."""
    baseline, options = row.baseline, row.options
    settings = baseline.settings_for(row.seed, options.quick)
    score_every = 0
    if baseline.score_every_epochs:
        steps_per_epoch = batches_per_epoch(row.images, settings.batch)
        score_every = baseline.score_every_epochs * steps_per_epoch

    def report(update: int, total: int, loss: float) -> None:
        if options.on_progress:
            options.on_progress(f"{baseline.title}, loss {loss:.4g}: update", update, total)

    open_fit_folder(folder, baseline.title, data, dataclasses.asdict(settings))
    session = FitSession(
        folder, score_every=score_every, validation_score=row.validation_score, callback=report
    )
    started = time.process_time()
    model = baseline.fit(row.images, settings, session)
    if not session.seconds:  # the model ignores its session
        session.seconds = time.process_time() - started
    if session.best:
        if not isinstance(model, Model):
            raise UserError(
                f"The model of {baseline.title} has no state_dict(). It needs one to restore its "
                "best checkpoint; or register it with score_every_epochs=0."
            )
        best = checkpoints.read_checkpoint(checkpoints.checkpoint_folder(folder, "best"))
        copy_tensors(best.nets, model.state_dict())
    if baseline.tune:
        model = baseline.tune(model, row.validation_score)
    return model, session


def _ways_to_sample(row: _BaselineRow) -> Iterator[tuple[str, ChainSettings]]:
    """Yield a suffix for the model's name, and chain settings; a Markov chain has two variants."""
    yield "", (QUICK_CHAINS if row.options.quick else CHAINS).limited_to(len(row.images))
    if isinstance(row.baseline.sample, ChainSampler):
        yield ", one chain", SINGLE_CHAIN


def _baseline_note(
    baseline: Baseline[Any, Any], model: object, session: FitSession, chains: ChainSettings
) -> str:
    """Describe what was tuned, which checkpoint was used and how samples were taken."""
    parts = []
    if baseline.describe_tuning:
        parts.append(baseline.describe_tuning(model))
    if session.best:
        parts.append(f"round {session.best['round']:,}, the best on validation images")
    if not isinstance(baseline.sample, ChainSampler):
        parts.append("one pass for each sample")
    elif chains == SINGLE_CHAIN:
        parts.append("one chain from a training image, every state kept")
    else:
        parts.append(
            f"{chains.chains} chains from training images, burn-in {chains.burn_in:,}, one state "
            f"of {chains.thinning:,} kept"
        )
    return "; ".join(parts)


def _path_images(row: _BaselineRow, model: object) -> Tensor | None:
    """Return consecutive states of one chain, or images along a line in z, or None."""
    baseline = row.baseline
    if isinstance(baseline.sample, ChainSampler):
        burn_in = (QUICK_CHAINS if row.options.quick else CHAINS).burn_in
        one_chain = ChainSettings(chains=1, burn_in=burn_in, thinning=1)
        return row.samples(model, pictures.COLUMNS, one_chain)
    if baseline.sample_z and baseline.decode:
        z = baseline.sample_z(model, 2, row.seed)
        line = interpolation.straight_lines(z[:1], z[1:], pictures.COLUMNS)[0]
        return row.as_images("decode", baseline.decode(model, line), pictures.COLUMNS)
    return None


# --- Adversarial nets -----------------------------------------------------------------------------


def _adversarial_nets_row(data: Dataset, seed: int, folder: Path, options: Options) -> list[Result]:
    """Score the generator with its trained weights, as published, and with averaged weights.

    An exported generator has one kind of weights, of one round, and no training time.
    """
    run = _trained_run(data, seed, folder, options)
    checkpoint, train_seconds = "last", None
    kept = ["raw", "averaged"] if run.settings.ema_decay else ["raw"]
    if run.exported:
        kept = [run.default_weights]
    else:
        newest = checkpoints.read_checkpoint(checkpoints.checkpoint_folder(run.folder))
        checkpoint, train_seconds = "best", round(newest.state["seconds"], 1)
    results = []
    for weights in kept:
        G, at_round = game_state.load_generator(run, checkpoint, weights)
        started = time.process_time()
        samples = sample_G(G, run.settings, SAMPLES, "samples to score").float()
        seconds = time.process_time() - started
        averaged = weights == "averaged"
        result = _score(
            _adversarial_nets_name(run) + (", averaged weights" if averaged else ""),
            data,
            samples,
            options,
            train_seconds=train_seconds,
            samples_per_second=SAMPLES / seconds,
            steps_per_sample=1.0,
            successive=True,
            note=f"{_describe_settings(run)}, round {at_round:,}, "
            + ("exported" if run.exported else "the best on validation images")
            + (" for the raw G" if averaged and not run.exported else "")
            + "; one pass for each sample",
        )
        pictures.write_samples(samples, data, folder, result.model)
        line = interpolation.interpolate(G, run.settings, 1, pictures.COLUMNS)[0]
        pictures.write_path(line, data, folder, result.model)
        results.append(result)
    return results


def _trained_run(data: Dataset, seed: int, folder: Path, options: Options) -> Run:
    """Open the given run, or train one with the data set's preset."""
    if options.run is not None:
        run = runs_folder.open_run(options.run)
        if run.fingerprint != datasets.fingerprint(data):
            raise UserError(
                f"{options.run} was trained on {run.data}, not on {data.name}. Give a run that was "
                f"trained on {data.name}, or none to train one."
            )
        folder.mkdir(parents=True, exist_ok=True)
        return run
    preset = settings = None  # a run that is continued keeps its own settings
    if not (folder / "settings.json").exists():
        preset = preset_for(data.name)[0]
        if options.quick:
            preset = QUICK_PRESETS.get(preset, preset)
        settings = dataclasses.replace(PRESETS[preset].settings, seed=seed)

    def report(snapshot: TrainingSnapshot) -> None:
        if options.on_progress:
            options.on_progress("Adversarial nets: round", snapshot.row["round"], snapshot.rounds)

    return train(
        data, preset=preset, settings=settings, run=folder, callbacks=[report], progress=False
    )


def _adversarial_nets_name(run: Run) -> str:
    """Return the model's name, which also says if the settings are not the published ones."""
    if not run.is_preset:
        return "Adversarial nets, custom settings"
    if run.preset != preset_for(run.data)[0]:
        return f"Adversarial nets, preset {run.preset}"
    return "Adversarial nets"


def _describe_settings(run: Run) -> str:
    """Return the run's preset and the differences from it."""
    if run.is_preset:
        return f"preset {run.preset_label}"
    changes = [f"{name} {preset} → {value}" for name, (preset, value) in run.changed.items()]
    if run.own_nets:
        changes.append("user-defined networks")
    if run.info.get("optimiser"):
        changes.append(f"optimiser {run.info['optimiser']}")
    if run.info.get("init_from"):
        changes.append("weights from another run")
    return f"{run.preset_label} ({', '.join(changes)})"


# --- Reference images -----------------------------------------------------------------------------


def _reference_row(data: Dataset, folder: Path, options: Options) -> list[Result]:
    """Score training images, k-means centroids and the mean image, for comparison with models."""
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    references = reference_samples(data, samples=SAMPLES, on_progress=options.on_progress)
    for name, (samples, note) in references.items():
        results.append(_score(name, data, samples, options, note=note))
        if len(samples) > 1:
            pictures.write_samples(samples, data, folder, name)
    return results


# --- Scores ---------------------------------------------------------------------------------------


def _score(
    model: str,
    data: Dataset,
    samples: Tensor,
    options: Options,
    *,
    note: str,
    train_seconds: float | None = None,
    samples_per_second: float | None = None,
    steps_per_sample: float | None = None,
    successive: bool = False,
) -> Result:
    """Return the Parzen score of samples, and the published score of the same model.

    The mixing of `successive` samples, states of one chain or independent, is measured.
    """
    score = parzen_score_on(data, samples, options.grid, with_prefix(options.on_progress, model))
    published = published_score(model, data.name)
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
        published=published.nats if published else None,
        samples=score.samples,
        train_seconds=train_seconds,
        samples_per_second=samples_per_second,
        steps_per_sample=steps_per_sample,
        note=note,
        states_in_class=_states_in_class(data, samples, options) if successive else None,
    )


def _states_in_class(data: Dataset, samples: Tensor, options: Options) -> float | None:
    """Return the mean number of successive samples in the same class; None without classes."""
    if not {"train", "test"} <= data.labels.keys():
        return None
    classes = classifier(data, options.on_progress).classes(samples)
    return len(classes) / (1 + int((classes.diff() != 0).sum()))
