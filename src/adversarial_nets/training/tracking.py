"""Callbacks that send metrics and pictures to TensorBoard, Weights & Biases or MLflow.

All three get the same data: the numbers of each row of metrics.jsonl by round, and the pictures of
RUN/samples as ``samples``. A resumed training continues in a new run of the tracker, from the round
of its checkpoint on.
"""

import atexit
import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adversarial_nets.errors import UserError, install
from adversarial_nets.runs.files import numbered_by_round
from adversarial_nets.settings import Settings
from adversarial_nets.training.loop import Callback, TrainingSnapshot

__all__ = ["TRACKERS", "mlflow", "require_installed", "tensorboard", "wandb"]

PROJECT = "adversarial-nets"
"""The name of the project in W&B and of the experiment in MLflow."""

Numbers = Callable[[Mapping[str, float], int], None]
Pictures = Callable[[NDArray[np.uint8], int], None]


def _callback(folder: Path, open_tracker: Callable[[], tuple[Numbers, Pictures]]) -> Callback:
    """A callback that logs each row, and each picture of this session once.

    The tracker is opened at the first row. So a training that is refused leaves nothing in it, and
    a training that is restarted has already deleted its old files.
    """
    shown: set[int] = set()
    opened: list[tuple[Numbers, Pictures]] = []

    def callback(snapshot: TrainingSnapshot) -> None:
        row = snapshot.row
        if not opened:
            opened.append(open_tracker())
        log_numbers, log_picture = opened[0]
        for round, path in numbered_by_round((folder / "samples").glob("*.png")).items():
            if round >= snapshot.started_at and round not in shown:
                log_picture(np.asarray(Image.open(path).convert("RGB")), round)
                shown.add(round)
        numbers = {name: value for name, value in row.items() if isinstance(value, float)}
        for weights, score in row.get("scores", {}).items():
            numbers |= {f"{name}/{weights}": value for name, value in score.items()}
        log_numbers(numbers, row["round"])

    return callback


def tensorboard(folder: Path, settings: Settings) -> Callback:
    """Write for TensorBoard, into RUN/tensorboard.

    Raises:
        UserError: TensorBoard is not installed.
    """
    require_installed(["tensorboard"])
    from torch.utils.tensorboard import SummaryWriter

    def open_tracker() -> tuple[Numbers, Pictures]:
        writer = SummaryWriter(str(folder / "tensorboard"))

        def numbers(values: Mapping[str, float], round: int) -> None:
            for name, value in values.items():
                writer.add_scalar(name, value, round)
            writer.flush()

        def picture(pixels: NDArray[np.uint8], round: int) -> None:
            writer.add_image("samples", pixels, round, dataformats="HWC")

        return numbers, picture

    return _callback(folder, open_tracker)


def wandb(folder: Path, settings: Settings) -> Callback:
    """Log to Weights & Biases; with the environment variable WANDB_MODE=offline into RUN/wandb.

    Raises:
        UserError: wandb is not installed; or, at the first row, the user is not logged in.
    """
    require_installed(["wandb"])
    import wandb as client

    what: dict[str, Any] = {"project": PROJECT, "name": folder.name, "config": settings.flat()}

    def open_tracker() -> tuple[Numbers, Pictures]:
        try:
            run = client.init(dir=folder, **what)
        except client.Error as error:
            raise UserError(
                f"Weights & Biases cannot be used ({error}). Log in with `wandb login`, or set the "
                "environment variable WANDB_MODE=offline."
            ) from error
        run.define_metric("*", step_metric="round")

        def numbers(values: Mapping[str, float], round: int) -> None:
            run.log({**values, "round": round})

        def picture(pixels: NDArray[np.uint8], round: int) -> None:
            run.log({"samples": client.Image(pixels), "round": round})

        return numbers, picture

    return _callback(folder, open_tracker)


def mlflow(folder: Path, settings: Settings) -> Callback:
    """Log to MLflow at MLFLOW_TRACKING_URI, by default into RUN/mlruns.

    MLflow's run ends with the program.

    Raises:
        UserError: MLflow is not installed; or, at the first row, its server does not answer.
    """
    require_installed(["mlflow"])
    from mlflow import MlflowClient, MlflowException

    place = os.environ.get("MLFLOW_TRACKING_URI") or (folder / "mlruns").absolute().as_uri()
    if place.startswith("file:"):  # MLflow 3 requires this; it prefers databases
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")

    def open_tracker() -> tuple[Numbers, Pictures]:
        try:
            client = MlflowClient(tracking_uri=place)
            experiment = client.get_experiment_by_name(PROJECT)
            number = experiment.experiment_id if experiment else client.create_experiment(PROJECT)
            run = client.create_run(number, run_name=folder.name).info.run_id
            for name, value in settings.flat().items():
                client.log_param(run, name, value)
        except MlflowException as error:
            raise UserError(
                f"MLflow cannot be used at {place} ({error}). Check MLFLOW_TRACKING_URI."
            ) from error
        atexit.register(client.set_terminated, run)

        def numbers(values: Mapping[str, float], round: int) -> None:
            for name, value in values.items():
                client.log_metric(run, name, value, step=round)

        def picture(pixels: NDArray[np.uint8], round: int) -> None:
            client.log_image(run, pixels, key="samples", step=round)

        return numbers, picture

    return _callback(folder, open_tracker)


TRACKERS: Mapping[str, Callable[[Path, Settings], Callback]] = {
    "tensorboard": tensorboard,
    "wandb": wandb,
    "mlflow": mlflow,
}
"""Each tracker by its option of ``advnets train``."""


_NAMES = {"tensorboard": "TensorBoard", "wandb": "Weights & Biases", "mlflow": "MLflow"}


def require_installed(trackers: Iterable[str]) -> None:
    """Raise an error that names all of these trackers that are not installed."""
    missing = []
    for name in trackers:
        try:
            importlib.import_module("torch.utils.tensorboard" if name == "tensorboard" else name)
        except ImportError:
            missing.append(name)
    if missing:
        names = " and ".join(_NAMES[name] for name in missing)
        raise UserError(f"Not installed: {names}. Install with: {install(','.join(missing))}")
