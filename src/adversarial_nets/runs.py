"""A run's folder: settings, metrics, checkpoints; every write atomic, no pickle anywhere.

    RUN/settings.json                 what was asked for, on which data, with which versions
    RUN/metrics.jsonl                 one JSON object a line, in the order of the rounds
    RUN/checkpoints/step-00012000/    nets.safetensors, optimisers.safetensors, state.json
    RUN/samples/step-00012000.png     the same noise, drawn as the run goes on
    RUN/report.html                   written by ``advnets report``

A checkpoint is written to a hidden folder, flushed to the disk, and renamed: it is there whole, or
not at all. So a run that is killed at any moment continues from its newest checkpoint, and
because every random draw is addressed (`randomness`), it ends where an uninterrupted one ends.
"""

import dataclasses
import errno
import fcntl
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from adversarial_nets import nets
from adversarial_nets import settings as settings_module
from adversarial_nets.errors import UserError
from adversarial_nets.game import Game
from adversarial_nets.settings import Settings

__all__ = [
    "Checkpoint",
    "Run",
    "checkpoint_folder",
    "create",
    "history",
    "load_generator",
    "lock",
    "nets_of",
    "open_run",
    "read_checkpoint",
    "read_json",
    "read_metrics",
    "refuse_orphans",
    "restore",
    "save_checkpoint",
    "write_atomically",
    "write_checkpoint",
]

FORMAT = 1
KEEP = 2  # newest checkpoints; the best one is kept besides


@dataclass(frozen=True)
class Run:
    """A run's folder and what it was started with.

    Attributes:
        folder: where everything of the run lives.
        data: the data set's name, as `datasets.load` takes it.
        fingerprint: the data's hash.
        image_shape: (channels, height, width).
        range: the smallest and largest value of an image.
        preset: the preset the settings came from.
        settings: the game's settings.
        own_nets: whether G or D were passed in by a program, so that only it can rebuild them.
        info: versions, threads, the data's provenance.
    """

    folder: Path
    data: str
    fingerprint: str
    image_shape: tuple[int, int, int]
    range: tuple[float, float]
    preset: str
    settings: Settings
    own_nets: bool
    info: Mapping[str, Any]

    @property
    def pixels(self) -> int:
        """Values of one image."""
        return math.prod(self.image_shape)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds: tensors by name, and the run's state at that round."""

    round: int
    nets: Mapping[str, Tensor]
    optimisers: Mapping[str, Tensor]
    state: Mapping[str, Any]


# --- Writing, so that a crash leaves the old or the new, never a half -----------------------------


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn the disk's refusals into sentences."""
    try:
        yield
    except (OSError, safetensors.SafetensorError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            why = "the disk is full. Make room"
        elif number in (errno.EACCES, errno.EPERM, errno.EROFS):
            why = "this place is read-only. Give another folder (--run or --out)"
        elif number in (errno.ENOTDIR, errno.EEXIST):
            why = "a file stands where a folder should be. Give another folder (--run or --out)"
        elif number == errno.ENOENT:
            why = "there is no such place. Give another folder (--run or --out)"
        elif number == errno.EISDIR:
            why = "a folder stands where a file should be. Give another name"
        elif number == errno.ENAMETOOLONG:
            why = "a name is too long. Give a shorter one"
        else:
            why = f"{error}. See to that, or give another folder (--run or --out),"
        raise UserError(
            f"Cannot write to {folder}: {why} and give the same command again; whatever was saved "
            "before is intact."
        ) from error


def _flush(path: Path) -> None:
    """Wait until a file's or folder's contents are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that its name always shows the old content or the new, whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.writing")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    _flush(temporary)
    temporary.replace(path)
    _flush(path.parent)


def _to_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


# --- Opening a run --------------------------------------------------------------------------------


def create(run: Run) -> None:
    """Make the folder of a new run."""
    with explained(run.folder):
        for part in ("checkpoints", "samples"):
            (run.folder / part).mkdir(parents=True, exist_ok=True)
        record = dataclasses.asdict(run) | {"format": FORMAT}
        del record["folder"]
        write_atomically(run.folder / "settings.json", _to_json(record))


def open_run(folder: Path) -> Run:
    """Read what a run was started with.

    Raises:
        UserError: the folder is missing, holds no run, or one of a newer version.
    """
    path = folder / "settings.json"
    if not path.is_file():
        near = ", ".join(sorted(str(p.parent) for p in folder.parent.glob("*/settings.json"))[:5])
        raise UserError(
            f"{folder} is not a run's folder: it has no settings.json."
            + (f" Runs beside it: {near}." if near else " Start one with: advnets train mnist-5k")
        )
    record = read_json(path)
    _check_format(record, path)
    if "model" in record:
        raise UserError(
            f"{folder} holds a {record['model']} of Table 1, no adversarial nets; advnets table1 "
            "samples and scores it."
        )
    try:
        return Run(
            folder=folder,
            data=str(record["data"]),
            fingerprint=str(record["fingerprint"]),
            image_shape=_three(record["image_shape"]),
            range=(float(record["range"][0]), float(record["range"][1])),
            preset=str(record["preset"]),
            settings=settings_module.from_json(record["settings"]),
            own_nets=bool(record["own_nets"]),
            info=dict(record["info"]),
        )
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path} is damaged ({error!r}); restore it from a copy.") from error


def _three(values: Iterable[Any]) -> tuple[int, int, int]:
    channels, height, width = map(int, values)
    return channels, height, width


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        UserError: it cannot be read, or holds something else.
    """
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); restore it from a copy.") from error
    if not isinstance(record, dict):
        raise UserError(
            f"{path} is not what adversarial-nets writes there; restore it from a copy."
        )
    return record


def _check_format(record: Mapping[str, Any], path: Path) -> None:
    form = record.get("format")
    if not isinstance(form, int):
        raise UserError(f"{path} was not written by adversarial-nets.")
    if form > FORMAT:
        raise UserError(
            f"{path} is of format {form}, written by a newer version of adversarial-nets; this one "
            f"reads up to {FORMAT}. Upgrade with: pip install --upgrade adversarial-nets"
        )


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the run for this process alone; the system lets go however the process ends.

    Raises:
        UserError: another process holds it.
    """
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"{folder} is in use by another process. Wait for it, stop it, or give this run a "
                "folder of its own with --run."
            ) from error
        except OSError as error:
            raise UserError(
                f"{folder} cannot be kept for one process alone: its file system has no locks "
                f"({error.strerror}). Give a folder on another one with --run."
            ) from error
        yield


# --- Metrics --------------------------------------------------------------------------------------


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Every row of metrics.jsonl, up to a line that a crash cut short or that is no row."""
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    rows = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error}); restore it from a copy.") from error
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # bytes that are no text, too
            break
        if not (isinstance(row, dict) and isinstance(row.get("round"), int)):
            break
        rows.append(row)
    return rows


def history(run: Run) -> dict[str, Any]:
    """What the run is and how its scores went, for a record of results.

    The curve holds one entry for each validation score: round, epoch, seconds of training, how D
    judges (`training.judged`), and the log-likelihood in nats of the raw and, where there is one,
    the averaged generator.
    """
    kept = ("round", "epoch", "seconds", "accuracy", "V_training", "V_held_out")
    rows = [row for row in read_metrics(run.folder) if "scores" in row]
    return {
        "preset": run.preset,
        "seed": run.settings.seed,
        "settings": run.settings.to_json(),
        "own_nets": run.own_nets,
        "fingerprint": run.fingerprint,
        "made_with": dict(run.info),
        "curve": [
            {key: row[key] for key in kept if key in row}
            | {weights: score["valid_nats"] for weights, score in row["scores"].items()}
            for row in rows
        ],
    }


def append_metrics(folder: Path, row: Mapping[str, Any]) -> None:
    """Add one row."""
    with explained(folder), (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def cut_metrics(folder: Path, last: int) -> None:
    """Forget the rows of rounds after `last`, which are about to be played again."""
    rows = [row for row in read_metrics(folder) if row["round"] <= last]
    with explained(folder):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_atomically(folder / "metrics.jsonl", text)


# --- Checkpoints ----------------------------------------------------------------------------------


def _steps(folder: Path) -> list[int]:
    """The rounds that have a checkpoint, in order."""
    names = (p.name.removeprefix("step-") for p in (folder / "checkpoints").glob("step-*"))
    return sorted(int(name) for name in names if name.isdecimal())


def refuse_orphans(folder: Path, instead: str) -> None:
    """Refuse to begin a run where checkpoints lie that no settings.json describes.

    Args:
        folder: the run's folder.
        instead: what may be done about it other than to restore that file.

    Raises:
        UserError: there are such checkpoints.
    """
    if _steps(folder):
        raise UserError(
            f"{folder} has checkpoints and no settings.json, so nobody knows what they are of. "
            f"Restore that file from a copy, or {instead}."
        )


def checkpoint_folder(folder: Path, which: str = "last") -> Path:
    """The folder of the checkpoint ``last``, ``best`` (by validation score), or of that round.

    Raises:
        UserError: there is none such; names those there are.
    """
    steps = _steps(folder)
    if not steps:
        raise UserError(f"{folder} has no checkpoint yet; let the training run a little longer.")
    step = steps[-1]
    if which == "best":
        best = read_json(_step_folder(folder, step) / "state.json").get("best")
        if not best:
            raise UserError(f"{folder} has not been scored yet, so it has no best checkpoint.")
        step = best["round"]
    elif which != "last":
        step = int(which) if which.isdecimal() else -1
    if step not in steps:
        raise UserError(
            f"{folder} has no checkpoint {which!r}. Give last, best, or one of: "
            f"{', '.join(map(str, steps))}."
        )
    return _step_folder(folder, step)


def _step_folder(folder: Path, step: int) -> Path:
    return folder / "checkpoints" / f"step-{step:08d}"


def save_checkpoint(run: Run, game: Game, state: Mapping[str, Any]) -> Path:
    """Write the game's checkpoint of this round; keep the newest few and the best.

    Args:
        run: the run.
        game: the game after a round.
        state: what else must survive: ``best`` and whatever the training keeps between rounds.
    """
    return write_checkpoint(
        run.folder, Checkpoint(game.round, nets_of(game), _optimisers(game), state)
    )


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint into a run's folder; keep the newest few and the best.

    Args:
        folder: the run's folder.
        checkpoint: what to keep; its state's ``best`` names the round of the best checkpoint.
    """
    state = checkpoint.state
    final = _step_folder(folder, checkpoint.round)
    with explained(folder):
        hidden = final.with_name(f".writing-{final.name}")
        shutil.rmtree(hidden, ignore_errors=True)
        hidden.mkdir(parents=True)
        files = {
            "nets.safetensors": checkpoint.nets,
            "optimisers.safetensors": checkpoint.optimisers,
        }
        hashes = {}
        for name, tensors in files.items():
            content = safetensors.torch.save(dict(tensors))
            hashes[name] = hashlib.sha256(content).hexdigest()
            (hidden / name).write_bytes(content)
        record = {"format": FORMAT, "round": checkpoint.round, "sha256": hashes} | dict(state)
        (hidden / "state.json").write_text(_to_json(record))
        for path in (*hidden.iterdir(), hidden):
            _flush(path)
        if final.exists():
            _remove(final)
        hidden.rename(final)
        _flush(final.parent)
        kept = _steps(folder)[-KEEP:]
        best = (state.get("best") or {}).get("round")
        for step in _steps(folder):
            if step not in kept and step != best:
                _remove(_step_folder(folder, step))
    return final


def _remove(checkpoint: Path) -> None:
    """Take a checkpoint's name away first, so that a half-deleted one is never found."""
    hidden = checkpoint.with_name(f".removing-{checkpoint.name}")
    shutil.rmtree(hidden, ignore_errors=True)
    checkpoint.rename(hidden)
    shutil.rmtree(hidden)


def clear_leftovers(folder: Path) -> None:
    """Remove what a killed process left half written or half removed."""
    for path in (folder / "checkpoints").glob(".*-step-*"):
        shutil.rmtree(path, ignore_errors=True)


def discard(folder: Path) -> None:
    """Forget a run, for --restart: what this module and its callers wrote, and nothing else."""
    with explained(folder):
        for name in ("checkpoints", "samples", "figures", "tensorboard"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("metrics.jsonl", "evaluation.json", "report.html", "settings.json"):
            (folder / name).unlink(missing_ok=True)


def read_checkpoint(path: Path, needs: Sequence[str] = ()) -> Checkpoint:
    """Read a checkpoint's folder and check every byte of its tensors against its hash.

    Args:
        path: the checkpoint's folder.
        needs: what must stand in its state.

    Raises:
        UserError: it is missing, damaged, foreign, or of a newer format.
    """
    record = read_json(path / "state.json")
    _check_format(record, path / "state.json")
    lacking = ", ".join(name for name in ("round", "sha256", *needs) if name not in record)
    if lacking:
        raise UserError(
            f"The checkpoint {path} is damaged: state.json lacks {lacking}. Delete that folder to "
            "continue from the checkpoint before it."
        )
    tensors = {}
    for name in ("nets.safetensors", "optimisers.safetensors"):
        try:
            content = (path / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != record["sha256"][name]:
                raise ValueError("its checksum differs")
            tensors[name] = safetensors.torch.load(content)
        except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
            raise UserError(
                f"The checkpoint {path} is damaged: {name}: {error}. Delete that folder to "
                "continue from the checkpoint before it."
            ) from error
    return Checkpoint(
        int(record["round"]), tensors["nets.safetensors"], tensors["optimisers.safetensors"], record
    )


def _players(game: Game) -> dict[str, nn.Module]:
    players = {"G": game.G, "D": game.D}
    return players if game.averaged is None else players | {"averaged": game.averaged}


def nets_of(game: Game) -> dict[str, Tensor]:
    """Every parameter and buffer of a game's nets, named player.name."""
    return {
        f"{player}.{name}": tensor.contiguous()
        for player, net in _players(game).items()
        for name, tensor in net.state_dict().items()
    }


def _optimisers(game: Game) -> dict[str, Tensor]:
    """Every tensor and number that the optimisers keep, named player/parameter/name."""
    return {
        f"{player}/{index}/{name}": torch.as_tensor(value).contiguous()
        for player, optimiser in (("G", game.optimiser_G), ("D", game.optimiser_D))
        for index, kept in optimiser.state_dict()["state"].items()
        for name, value in kept.items()
        if value is not None
    }


def restore(game: Game, checkpoint: Checkpoint) -> None:
    """Put the game where the checkpoint left it.

    Raises:
        UserError: the checkpoint is of other nets.
    """
    for player, net in _players(game).items():
        load_net(net, checkpoint, player)
    for player, optimiser in (("G", game.optimiser_G), ("D", game.optimiser_D)):
        whole = optimiser.state_dict()
        whole["state"] = {}
        for address, value in checkpoint.optimisers.items():
            owner, index, name = address.split("/")
            if owner == player:
                # (A copy lies in memory as an optimiser's own would; how a product rounds may
                # depend on that, and a file's tensors lie anywhere.)
                whole["state"].setdefault(int(index), {})[name] = value.clone()
        optimiser.load_state_dict(whole)
    game.round = checkpoint.round


def load_net(net: nn.Module, checkpoint: Checkpoint, player: str) -> None:
    """Give a net the weights that a checkpoint holds of ``G``, ``D`` or ``averaged``.

    Raises:
        UserError: the checkpoint holds no such player, or one of another shape.
    """
    prefix = f"{player}."
    weights = {
        name.removeprefix(prefix): tensor
        for name, tensor in checkpoint.nets.items()
        if name.startswith(prefix)
    }
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"The checkpoint of round {checkpoint.round} holds other nets than this run's settings "
            f"describe ({str(error).splitlines()[-1].strip()})."
        ) from error


def load_generator(
    run: Run,
    which: str = "last",
    weights: str = "raw",
    G: nn.Module | None = None,
) -> tuple[nn.Module, int]:
    """The run's generator, ready to sample, and the round it is from.

    Args:
        run: the run.
        which: ``last``, ``best``, or a round's number.
        weights: ``raw`` or ``averaged``.
        G: the module to fill, for a run with nets of your own.

    Raises:
        UserError: no such checkpoint, no average kept, or nets that only a program can rebuild.
    """
    if weights not in ("raw", "averaged"):
        raise UserError(f"--weights is {weights!r}; it must be raw or averaged.")
    if weights == "averaged" and not run.settings.average:
        raise UserError(
            f"{run.folder} keeps no averaged generator; it was trained without --average. Use "
            "--weights raw."
        )
    if G is None:
        if run.own_nets:
            raise UserError(
                f"{run.folder} was trained with nets of your own; pass the generator as G= to the "
                "library's function."
            )
        G = nets.generator(
            run.settings.G, run.settings.z_size, run.pixels, image_shape=run.image_shape
        )
    checkpoint = read_checkpoint(checkpoint_folder(run.folder, which))
    load_net(G, checkpoint, "averaged" if weights == "averaged" else "G")
    return G.eval(), checkpoint.round


def differences(old: Settings, new: Settings) -> list[str]:
    """What the new settings ask for that the old ones do not, as ``--name old → new``."""
    a, b = old.options(), new.options()
    return [f"{name} {a[name]} → {b[name]}" for name in a if a[name] != b[name]]
