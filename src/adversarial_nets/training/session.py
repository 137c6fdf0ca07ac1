"""Train a game in a run's folder: schedule of looks, checkpoints, diagnosis, stopping, resuming."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from adversarial_nets import datasets, nets
from adversarial_nets.build import Optimiser, new_game
from adversarial_nets.datasets import Dataset
from adversarial_nets.engine import distributed
from adversarial_nets.errors import Diverged, Stopped, UserError
from adversarial_nets.evaluation.parzen import GRIDS, log_likelihood
from adversarial_nets.game import play, rounds_in, sample
from adversarial_nets.presets import preset_for, run_folder
from adversarial_nets.runs import checkpoints, files, game_state, metrics
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs.folder import Run
from adversarial_nets.runs.provenance import made_with
from adversarial_nets.runs.signals import signals
from adversarial_nets.settings import Cadence, Settings
from adversarial_nets.state import Game
from adversarial_nets.training.diagnostics import diagnose, discriminator_metrics, spread

__all__ = [
    "TrainingSnapshot",
    "check_device",
    "length",
    "train",
]


@dataclass(frozen=True)
class TrainingSnapshot:
    """What an observer gets: one row of the metrics, the game behind it, and where it is going."""

    row: dict[str, Any]
    game: Game
    rounds: int  # where the training will end
    seconds: float  # since this sitting began
    started_at: int  # the round at which this sitting began
    trouble: str | None  # a collapse or a D that wins outright, in plain words


Callback = Callable[[TrainingSnapshot], None]


def train(
    data: str | Dataset,
    *,
    preset: str | None = None,
    settings: Settings | None = None,
    run: str | Path | None = None,
    rounds: int | None = None,
    epochs: float | None = None,
    cadence: Cadence | None = None,
    callbacks: Iterable[Callback] = (),
    onto: str | Path | None = None,
    restart: bool = False,
    device: str = "cpu",
    precision: Literal["float32", "bfloat16"] = "float32",
    G: nn.Module | None = None,
    D: nn.Module | None = None,
    optimiser: Optimiser | None = None,
) -> Run:
    """Train a game, or continue the one that the folder holds.

    Under ``torchrun`` all its processes play the one game (`workers`).

    Args:
        data: a name for `datasets.load`, or a data set already loaded.
        preset: the settings to start from; picked by the data where not given.
        settings: settings in place of the preset's.
        run: the run's folder, ``runs/DATA-PRESET-SEED`` where not given.
        rounds: how many rounds the run shall have when it ends.
        epochs: the same in passes over the training images; the preset's length where neither is.
        cadence: how often to log, save, score and draw.
        callbacks: called with a `TrainingSnapshot` at every row of the metrics.
        onto: a finished run whose generator becomes the top layers of this one's (TFD's stage 2).
        restart: forget what the folder holds and begin anew.
        device: ``cpu``, ``cuda`` or ``mps``.
        precision: of the matrix products; weights and their updates stay in float32.
        G: your own generator, (m, z_size) to (m, pixels).
        D: your own discriminator, (m, pixels) to (m,) or (m, 1) logits.
        optimiser: makes each player's optimiser from its parameters.

    Returns:
        The run, ready for `evaluation.evaluate`, `report.write_report` and the rest.

    Raises:
        UserError: the folder holds a run of other settings or data, or is in use, or cannot be
            written; the length is not positive.
        Diverged: a loss became NaN or infinite; the last good checkpoint is intact.
        Stopped: SIGINT or SIGTERM came; the run is saved.
    """
    name = data if isinstance(data, str) else data.name
    preset, chosen = preset_for(name, preset)
    settings = settings or chosen.settings
    if precision not in ("float32", "bfloat16"):
        raise UserError(f"--precision is {precision!r}; it must be 'float32' or 'bfloat16'.")
    device = distributed.local_device(device)
    check_device(device)
    with distributed.process_group():
        if isinstance(data, str):
            with distributed.main_process_first():
                data = datasets.load(data, size=settings.size, channels=settings.channels)
        if rounds is None and epochs is None:
            rounds, epochs = chosen.rounds, chosen.epochs
        total = length(settings, data, rounds, epochs)
        if settings.batch < distributed.world_size():
            raise UserError(
                f"--batch is {settings.batch}, too few for {distributed.world_size()} "
                "processes to share."
            )
        if settings.G.batch_norm and not G and distributed.world_size() > 1:
            raise UserError(
                "--G.batch-norm normalises over the whole minibatch, of which each process would "
                "see its part only; train in one process."
            )
        folder = Path(run or run_folder(name, preset, settings.seed))
        with files.lock(folder) if distributed.is_main() else nullcontext():
            anew = restart and not distributed.was_restarted()
            own_nets = bool(G or D)
            rule = getattr(optimiser, "__qualname__", repr(optimiser)) if optimiser else None
            facts: dict[str, Any] = {"precision": precision, "optimiser": rule}
            facts |= {name: repr(net) for name, net in (("G", G), ("D", D)) if net is not None}
            if onto is not None:
                facts["onto"] = str(onto)
                G = _on_top_of(Path(onto), settings, data)
            elif chosen.onto and not own_nets and (anew or not (folder / "settings.json").exists()):
                raise UserError(
                    f"{preset} goes on from a finished run of {chosen.onto}; name its folder, e.g. "
                    f"--onto {run_folder(name, chosen.onto, settings.seed)}, after training it "
                    f"with: advnets train {name} --preset {chosen.onto}"
                )
            # A game that cannot be played is refused before anything is written or forgotten.
            game = new_game(
                settings,
                data,
                G=G,
                D=D,
                optimiser=optimiser,
                device=device,
                bf16_matmul=precision == "bfloat16",
            )
            with distributed.main_process_first():  # the first makes the folder, the others find it
                if anew and distributed.is_main():
                    runs_folder.discard(folder)
                this = _begin(folder, name, data, preset, settings, own_nets, facts)
            TrainingSession(this, data, game, total, cadence or Cadence(), tuple(callbacks)).play()
            distributed.barrier()  # for the last files
    return this


def length(settings: Settings, data: Dataset, rounds: int | None, epochs: float | None) -> int:
    """The run's length in rounds, of which one of `rounds` and `epochs` is given.

    Raises:
        UserError: both are given, or the length is not positive.
    """
    if rounds is not None and epochs is not None:
        raise UserError("Give --rounds or --epochs, not both.")
    for name, value in (("rounds", rounds), ("epochs", epochs)):
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise UserError(f"--{name} is {value}; it must be above 0.")
    return rounds or rounds_in(settings, data, epochs or 0)


def check_device(device: str) -> None:
    """Refuse a device that this machine's PyTorch cannot compute on."""
    try:
        torch.ones(1, device=device).sum().item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(
            f"--device is {device!r}, which PyTorch does not offer here; try cpu, cuda or mps."
        ) from error


def _begin(
    folder: Path,
    name: str,
    data: Dataset,
    preset: str,
    settings: Settings,
    own_nets: bool,
    facts: Mapping[str, Any],
) -> Run:
    """The run that the folder holds, when it is the same one, or a new one."""
    fingerprint = datasets.fingerprint(data)
    if (folder / "settings.json").exists():
        old = runs_folder.open_run(folder)
        changed = runs_folder.differences(old.settings, settings)
        before = {"precision": "float32", "optimiser": None, **old.info}
        changed += [
            f"{name} {before[name]} → {facts[name]}"
            for name in ("precision", "optimiser")
            if before[name] != facts[name]
        ]
        if old.own_nets != own_nets:
            changed.append("nets of your own" + (" are new" if own_nets else " are missing"))
        if old.fingerprint != fingerprint:
            changed.insert(0, f"data {old.data} → {name} (the images differ)")
        if changed:
            raise UserError(
                f"{folder} holds a run with other settings: {'; '.join(changed)}. Give the new run "
                "a folder of its own with --run, or replace the old one with --restart."
            )
        if distributed.is_main():
            checkpoints.clear_leftovers(folder)
        return old
    checkpoints.refuse_orphan_checkpoints(folder, "begin anew with --restart")
    info = {**made_with(data), **facts}
    run = Run(
        folder=folder,
        data=name,
        fingerprint=fingerprint,
        image_shape=data.image_shape,
        range=data.range,
        preset=preset,
        settings=settings,
        own_nets=own_nets,
        info=info,
        changed=runs_folder.changed_from_preset(settings, preset),
    )
    runs_folder.create(run)
    return run


def _on_top_of(folder: Path, settings: Settings, data: Dataset) -> nn.Module:
    """A new generator whose last layers are a finished run's, weights and all.

    Raises:
        UserError: there is no such run, or its layers are not the last ones of these settings.
    """
    trained = runs_folder.open_run(folder)
    top, _ = game_state.load_generator(trained)
    s = settings
    G = nets.generator(s.G, s.z_size, data.pixels, s.seed, data.image_shape)
    try:
        nn.Sequential(*list(G)[-len(list(top.children())) :]).load_state_dict(top.state_dict())
    except RuntimeError as error:
        raise UserError(
            f"--onto {folder}: the layers of its generator ({trained.settings.G.hidden}) are not "
            f"the last ones of --G.hidden {s.G.hidden}. Take the preset that belongs to it "
            "(tfd-stage2 goes onto tfd, tfd-stage2-small onto tfd-small)."
        ) from error
    return G


@dataclass
class TrainingSession:
    """One uninterrupted stretch of training: what happens at which round."""

    run: Run
    data: Dataset
    game: Game
    rounds: int
    cadence: Cadence
    callbacks: tuple[Callback, ...]
    best: dict[str, Any] | None = None
    widest: float = 0.0
    seconds_before: float = 0.0
    started: float = field(default_factory=time.monotonic)
    started_at: int = 0

    def play(self) -> None:
        """Play to the end from wherever the folder's newest checkpoint is."""
        folder, game = self.run.folder, self.game
        if checkpoints.checkpoint_rounds(folder):
            needs = ("best", "widest", "seconds", "tally")
            checkpoint = checkpoints.read_checkpoint(checkpoints.checkpoint_folder(folder), needs)
            game_state.restore(game, checkpoint)
            self.best = checkpoint.state["best"]
            self.widest = checkpoint.state["widest"]
            self.seconds_before = checkpoint.state["seconds"]
            game.stats.rounds = checkpoint.state["tally"]["rounds"]
            sums = checkpoint.state["tally"]["sums"] if distributed.is_main() else [0.0] * 4
            game.stats.sums = torch.tensor(sums, dtype=torch.float64)
            self.started_at = game.round
        if distributed.is_main():
            metrics.cut_metrics(folder, game.round)
        if game.round == 0:
            self._draw()
        with signals() as asked:

            def callback(game: Game) -> None:
                self._after_round()
                # Whoever was asked, all stop after the same round.
                number = distributed.max_over_ranks(asked[0] if asked else 0)
                if number:
                    self._save()
                    raise Stopped(number, game.round)

            play(game, self.rounds, callback)

    def _after_round(self) -> None:
        last = self.game.round == self.rounds
        log, save, score, draw = (
            last or self.game.round % every == 0 for every in vars(self.cadence).values()
        )
        if log or score:
            self._look(score)
        if draw:
            self._draw()
        if save or score:
            self._save()

    def _seconds(self) -> float:
        return time.monotonic() - self.started

    def _look(self, score: bool = False) -> None:
        """One row of metrics, from the rounds since the last."""
        game, s = self.game, self.game.settings
        distributed.all_reduce_sum([game.stats.sums])
        row: dict[str, Any] = {
            "round": game.round,
            "epoch": round(game.images / len(self.data.train), 4),
            **game.stats.means(),
            "lr": s.lr_at(game.round - 1),
            "momentum": s.momentum_at(1 + (game.images - s.k * s.batch) // len(self.data.train)),
            "spread": spread(game, self.data),
            "seconds": round(self.seconds_before + self._seconds(), 3),
        }
        if not all(map(math.isfinite, row.values())):
            raise Diverged(
                f"The training diverged between rounds {game.round - game.stats.rounds + 1} and "
                f"{game.round}: a loss is no longer a finite number. The last good checkpoint is "
                f"intact in {self.run.folder}. A smaller --lr or another --seed may help."
            )
        game.stats.rounds = 0
        game.stats.sums.zero_()
        if score:
            row |= {"scores": self._score(), **discriminator_metrics(game, self.data)}
        self.widest = max(self.widest, row["spread"])
        if not distributed.is_main():
            return
        metrics.append_metrics(self.run.folder, row)
        trouble = diagnose(row, self.widest)
        look = TrainingSnapshot(row, game, self.rounds, self._seconds(), self.started_at, trouble)
        for callback in self.callbacks:
            callback(look)

    def _score(self) -> dict[str, Any]:
        """Validation log-likelihood on grid `paper`, raw and averaged; notes the best raw one."""
        game = self.game
        valid = self.data.floats(self.data.valid[:1000])
        scores = {}
        players = {"raw": game.G} | ({"averaged": game.averaged} if game.averaged else {})
        for weights, G in players.items():
            mine = distributed.local_rows(10_000)
            samples = sample(G, game.settings, len(mine), "samples to choose by", mine.start)
            samples = samples.float().cpu()
            by_sigma = log_likelihood(valid, samples, GRIDS["paper"], shared=True).mean(1)
            i = int(by_sigma.argmax())
            scores[weights] = {"valid_nats": by_sigma[i].item(), "sigma": GRIDS["paper"][i]}
        nats = scores["raw"]["valid_nats"]
        if self.best is None or nats > self.best["valid_nats"]:
            self.best = {"round": game.round, "valid_nats": nats}
        return scores

    def _draw(self) -> None:
        """A picture of samples from the noise that every picture of this run uses."""
        from adversarial_nets.plots import sheets

        if not distributed.is_main():
            return
        game = self.game
        G = game.averaged or game.G
        images = sample(G, game.settings, 40, "samples to watch").float().cpu()
        with files.explain_os_errors(self.run.folder):
            content = sheets.grid_png(images, self.data.image_shape, self.data.range, columns=10)
            path = self.run.folder / "samples" / f"round-{game.round:08d}.png"
            files.write_atomically(path, content)

    def _save(self) -> None:
        """A checkpoint, unless the weights went bad since the last look."""
        game = self.game
        if not all(bool(p.isfinite().all()) for n in (game.G, game.D) for p in n.parameters()):
            raise Diverged(
                f"The training diverged before round {game.round}: a weight is no longer a finite "
                f"number. The last good checkpoint is intact in {self.run.folder}. A smaller --lr "
                "or another --seed may help."
            )
        sums = game.stats.sums.clone()
        distributed.all_reduce_sum([sums])
        if not distributed.is_main():
            return
        stats = {"rounds": game.stats.rounds, "sums": sums.tolist()}
        seconds = self.seconds_before + self._seconds()
        state = {"best": self.best, "widest": self.widest, "seconds": seconds, "tally": stats}
        game_state.save_checkpoint(self.run, game, state)
