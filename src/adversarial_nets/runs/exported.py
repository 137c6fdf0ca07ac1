"""A trained generator without its run: its weights and the settings to build G. No pickle.

    DIR/generator.safetensors   G's parameters and buffers, float32 or float16
    DIR/settings.json           the run's settings.json with the field ``exported`` (`Run.exported`)
    DIR/evaluation.json         scores of these weights
    DIR/README.md               a model card

`open_run` opens an exported folder like a run's folder. The generators in ``weights/`` of the
package are opened by their name, e.g. ``digits``.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from adversarial_nets.datasets.registry import absolute_path
from adversarial_nets.errors import UserError
from adversarial_nets.runs.checkpoints import GENERATOR, Checkpoint
from adversarial_nets.runs.files import explain_os_errors, json_text, read_bytes, write_atomically
from adversarial_nets.runs.folder import Run, settings_record

__all__ = [
    "check_exported",
    "exported_checkpoint",
    "exported_record",
    "refuse_onnx",
    "refuse_other_files",
    "without_private_paths",
    "write_generator",
]


def refuse_onnx(run: Run) -> None:
    """Raise an error for an ONNX file, whose weights do not belong to a PyTorch module."""
    if run.folder.is_file():
        raise UserError(f"{run.name} is exported already; give the folder of its run.")


def refuse_other_files(folder: Path) -> None:
    """Raise an error if the folder holds other files than those of an earlier export.

    Hidden files, such as those of git, are ignored.
    """
    with explain_os_errors(folder):
        is_folder = folder.is_dir()
        found = sorted(p.name for p in folder.iterdir() if p.name[0] != ".") if is_folder else []
    if found and ("checkpoints" in found or not (folder / GENERATOR).is_file()):
        more = ", …" if len(found) > 3 else ""
        raise UserError(
            f"{folder} holds other files ({', '.join(found[:3])}{more}), and an export would add "
            "its files to them; give a new or an empty folder, or that of an earlier export."
        )


def write_generator(
    folder: Path, run: Run, G: nn.Module, exported: Mapping[str, Any], half: bool = False
) -> None:
    """Write a generator's weights and settings into a folder.

    Args:
        folder: the folder, which exists.
        run: the generator's run.
        G: the generator, from `game_state.load_generator`.
        exported: ``round`` and ``weights`` (raw or averaged) of G.
        half: round the weights to float16, half the size.
    """
    tensors = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in G.state_dict().items()
    }
    record = exported_record(run, {**exported, "dtype": "float16" if half else "float32"})
    write_atomically(folder / GENERATOR, safetensors.torch.save(tensors, {"format": "pt"}))
    write_atomically(folder / "settings.json", json_text(record))


def exported_record(run: Run, exported: Mapping[str, Any]) -> dict[str, Any]:
    """The settings.json of an exported generator, without private paths.

    Args:
        run: the generator's run.
        exported: ``round``, ``weights`` and ``dtype`` (`Run.exported`).
    """
    record = settings_record(run) | {"exported": dict(exported)}
    record["info"] = {name: value for name, value in run.info.items() if name != "data_path"}
    return without_private_paths(record, run)


def without_private_paths(record: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Replace the absolute paths of a run's images and of other runs in a JSON object by names.

    An exported generator is meant for publication, and a path may contain names of people.
    """
    from_run, onto = run.info.get("init_from", {}).get("run"), run.info.get("onto")
    data = (run.info.get("data_path"), absolute_path(run.data), run.data.partition(":")[2])
    paths = {str(path) for path in (*data, from_run, onto) if path and Path(path).is_absolute()}
    text = json.dumps(record, ensure_ascii=False)
    for path in sorted(paths, key=len, reverse=True):  # a path may be a prefix of another
        if name := Path(path).name:
            old, new = (json.dumps(part, ensure_ascii=False)[1:-1] for part in (path, name))
            alone = rf"(?<![\w./~-]){re.escape(old)}(?![^/\\\"\s:,;')])"
            text = re.sub(alone, new.replace("\\", r"\\"), text)
    found: dict[str, Any] = json.loads(text)
    return found


def exported_checkpoint(run: Run, checkpoint: str, weights: str) -> Checkpoint:
    """The weights of an exported generator in float32, as a checkpoint without optimisers.

    Args:
        run: an exported generator (`Run.exported`).
        checkpoint: ``last``, or the number of its round.
        weights: ``raw`` or ``averaged``.

    Raises:
        UserError: the folder does not hold these weights or this round, or its file is damaged.
    """
    check_exported(run, checkpoint, weights)
    path = run.folder / GENERATOR
    try:
        tensors = safetensors.torch.load(read_bytes(path))
    except (FileNotFoundError, SafetensorError) as error:
        raise UserError(f"{path} cannot be read ({error}). Restore it from a copy.") from error
    network = "averaged" if weights == "averaged" else "G"
    nets = {
        f"{network}.{name}": tensor.to(torch.float32) if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    return Checkpoint(int(run.exported["round"]), nets, {}, {})


def check_exported(run: Run, checkpoint: str, weights: str) -> None:
    """Raise an error if an exported generator does not have the requested weights or round."""
    round, kept = run.exported["round"], run.exported["weights"]
    if weights != kept or checkpoint not in ("last", str(round)):
        asked = f"the {weights} G" + (
            "" if checkpoint == "last" else f" of checkpoint {checkpoint}"
        )
        raise UserError(
            f"{run.name} holds one generator, the {kept} G of round {round}, not {asked}. Leave "
            "out checkpoint and weights, or give the folder of a whole run."
        )
