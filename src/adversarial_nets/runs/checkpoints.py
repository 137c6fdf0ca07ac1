"""Write, list, read and verify checkpoints; keep the newest two and the best."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from adversarial_nets.errors import UserError
from adversarial_nets.runs.fields import ROUND, check
from adversarial_nets.runs.files import (
    FORMAT,
    check_format,
    explain_os_errors,
    flush,
    json_text,
    naming,
    numbered_by_round,
    read_bytes,
    reason,
    require_folder,
    shown,
)

__all__ = [
    "GENERATOR",
    "Checkpoint",
    "checkpoint_folder",
    "checkpoint_rounds",
    "clear_leftovers",
    "existing_best",
    "read_checkpoint",
    "refuse_orphan_checkpoints",
    "write_checkpoint",
]

GENERATOR = "generator.safetensors"
"""The weights in the folder of an exported generator (`runs.exported`)."""

_STATE = {"round?": ROUND, "sha256?": dict, "best?": (None, {"round": ROUND})}
_UNREADABLE = (FileNotFoundError, KeyError, TypeError, ValueError, RecursionError)

KEEP = 2
"""Number of newest checkpoints to keep; the best one is also kept."""


@dataclass(frozen=True)
class Checkpoint:
    """The contents of a checkpoint.

    Attributes:
        round: the round after which it was made.
        nets: parameters and buffers of all networks by name.
        optimisers: the optimisers' tensors by name.
        state: counters and other values that the training needs to continue, as JSON.
    """

    round: int
    nets: Mapping[str, Tensor]
    optimisers: Mapping[str, Tensor]
    state: Mapping[str, Any]


def checkpoint_rounds(folder: Path) -> list[int]:
    """Return the rounds that have a checkpoint, in ascending order."""
    return sorted(_round_folders(folder))


def _round_folders(folder: Path) -> dict[int, Path]:
    """The folder of each round's checkpoint."""
    return numbered_by_round((folder / "checkpoints").glob("*-*"))


def refuse_orphan_checkpoints(folder: Path, instead: str) -> None:
    """Raise an error before a run is started in a folder with checkpoints but no settings.json.

    Args:
        folder: the run's folder.
        instead: another remedy, as the last words of the message.
    """
    if checkpoint_rounds(folder):
        raise UserError(
            f"{folder} has checkpoints but no settings.json that describes them. Restore that file "
            f"from a copy, or {instead}."
        )


def checkpoint_folder(folder: Path, checkpoint: str = "last") -> Path:
    """Return the folder of a checkpoint.

    Args:
        folder: the run's folder.
        checkpoint: ``last``, ``best`` (by validation score; with a convolutional G by patch
            distance) or the number of a round.

    Raises:
        UserError: the checkpoint does not exist; the message lists the existing ones.
    """
    folders = _round_folders(folder)
    if not folders and (folder.is_file() or (folder / GENERATOR).exists()):
        raise UserError(
            f"{shown(folder)} holds only a generator (advnets export), not a whole run. Give the "
            "folder of a run that advnets train made."
        )
    if not folders:
        raise UserError(f"{folder} has no checkpoint yet. Train the run for more rounds first.")
    wanted = max(folders)
    if checkpoint == "best":
        best = _read_state(folders[wanted]).get("best")
        if not best:
            raise UserError(
                f"{folder} has no best checkpoint, because it has not been scored yet. Give last, "
                "or train it for more rounds."
            )
        wanted = best["round"]
    elif checkpoint != "last":
        wanted = int(checkpoint) if checkpoint.isdecimal() else -1
    if wanted not in folders:
        listed = _listed(folders, wanted)
        if checkpoint == "best":
            raise UserError(
                f"{folder} no longer has its best checkpoint, that of round {wanted}. Give last, "
                f"or {listed}."
            )
        raise UserError(f"{folder} has no checkpoint {checkpoint!r}. Give last, best, or {listed}.")
    return folders[wanted]


def existing_best(folder: Path, best: dict[str, Any] | None) -> dict[str, Any] | None:
    """The record of the best score; None if its checkpoint is missing."""
    return best if best and best["round"] in _round_folders(folder) else None


def _listed(rounds: Iterable[int], wanted: int) -> str:
    """The rounds with checkpoints, in words; if there are many, those nearest to `wanted`."""
    found = sorted(rounds)
    if len(found) <= 10:
        return f"one of: {', '.join(map(str, found))}"
    near = found[-10:] if wanted < 0 else sorted(found, key=lambda r: abs(r - wanted))[:10]
    return f"one of {len(found):,}, e.g. {', '.join(map(str, sorted(near)))}"


def write_checkpoint(folder: Path, checkpoint: Checkpoint, keep_all: bool = False) -> Path:
    """Write a checkpoint into a run's folder; then delete all but the newest two and the best.

    Args:
        folder: the run's folder.
        checkpoint: its contents; ``best`` in its state names the best checkpoint's round.
        keep_all: do not delete other checkpoints.

    Returns:
        The checkpoint's folder.
    """
    state = checkpoint.state
    final = folder / "checkpoints" / f"round-{checkpoint.round:08d}"
    require_folder(folder)
    with explain_os_errors(folder):
        if (folder / "metrics.jsonl").exists():
            flush(folder / "metrics.jsonl")  # the rows before the checkpoint
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
            with naming(final / name):
                (hidden / name).write_bytes(content)
        record = {"format": FORMAT, "round": checkpoint.round, "sha256": hashes} | dict(state)
        hashes["state.json"] = _hash_of_state(record)
        with naming(final / "state.json"):
            (hidden / "state.json").write_bytes(json_text(record).encode())
        for path in (*hidden.iterdir(), hidden):
            flush(path)
        if old := _round_folders(folder).get(checkpoint.round):
            _remove(old)
        hidden.rename(final)
        flush(final.parent)
        folders = _round_folders(folder)
        keep = {*sorted(folders)[-KEEP:], (state.get("best") or {}).get("round")}
        for round, path in folders.items():
            if round not in keep and not keep_all:
                _remove(path)
    return final


def _remove(checkpoint: Path) -> None:
    """Delete a checkpoint; rename it first, so that a partly deleted one is never read."""
    hidden = checkpoint.with_name(f".removing-{checkpoint.name}")
    shutil.rmtree(hidden, ignore_errors=True)
    checkpoint.rename(hidden)
    shutil.rmtree(hidden)


def clear_leftovers(folder: Path) -> None:
    """Remove checkpoints that a killed process had not finished writing or deleting."""
    for path in (folder / "checkpoints").glob(".*-*-*"):
        shutil.rmtree(path, ignore_errors=True)


def read_checkpoint(path: Path, needs: Sequence[str] = ()) -> Checkpoint:
    """Read a checkpoint's folder and verify the SHA-256 of its tensor files.

    Args:
        path: the checkpoint's folder.
        needs: names of fields that its state must have.

    Raises:
        UserError: the checkpoint is missing, damaged, or of a newer format.
    """
    record = _read_state(path)
    if lacking := {"round", "sha256", *needs} - record.keys():
        raise _damaged(path, f"state.json lacks {', '.join(sorted(lacking))}")
    tensors = {}
    for name in ("nets.safetensors", "optimisers.safetensors"):
        try:
            content = read_bytes(path / name)
            if hashlib.sha256(content).hexdigest() != record["sha256"][name]:
                raise ValueError("its checksum is wrong")
            tensors[name] = safetensors.torch.load(content)
        except (*_UNREADABLE, safetensors.SafetensorError) as error:
            raise _damaged(path, f"{name}: {error}") from error
    return Checkpoint(
        int(record["round"]), tensors["nets.safetensors"], tensors["optimisers.safetensors"], record
    )


def _read_state(path: Path) -> dict[str, Any]:
    """A checkpoint's state.json, whose SHA-256 is verified; earlier versions wrote none."""
    file = path / "state.json"
    try:
        record: dict[str, Any] = json.loads(read_bytes(file).decode("utf-8"))
        check(record, _STATE)
    except _UNREADABLE as error:
        raise _damaged(path, f"state.json: {reason(error)}") from error
    check_format(record, file)
    recorded = record.get("sha256", {}).get("state.json")
    if recorded is not None and recorded != _hash_of_state(record):
        raise _damaged(path, "state.json: its checksum is wrong")
    return record


def _hash_of_state(record: Mapping[str, Any]) -> str:
    """The SHA-256 of state.json without this hash, independent of the file's formatting."""
    hashes = {k: v for k, v in record["sha256"].items() if k != "state.json"}
    text = json.dumps({**record, "sha256": hashes}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _damaged(path: Path, what: str) -> UserError:
    """The error for a damaged checkpoint, with the round from which the run can continue."""
    folders = _round_folders(path.parent.parent)
    this = next((round for round, folder in folders.items() if folder == path), 0)
    others = [round for round in folders if round != this]
    if not others:
        remedy = "There is no other one; restore it from a copy, or start again with --restart"
    elif max(others) > this:
        remedy = (
            f"The run continues from round {max(others)} without it; restore that folder from a "
            "copy, or give another checkpoint"
        )
    else:
        remedy = f"Delete that folder to continue from round {max(others)}"
    return UserError(f"The checkpoint {path} is damaged: {what}. {remedy}.")
