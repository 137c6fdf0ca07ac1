"""Export a run's generator to ONNX, which other programs and languages can run."""

import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from adversarial_nets.classes import condition_columns
from adversarial_nets.datasets import ImageShape
from adversarial_nets.errors import UserError, install
from adversarial_nets.runs.exported import exported_record
from adversarial_nets.runs.folder import Run
from adversarial_nets.runs.onnx_file import METADATA

__all__ = ["to_onnx"]


class _Images(nn.Module):
    """G with images (m, channels, height, width) in place of flat ones."""

    def __init__(self, G: nn.Module, image_shape: ImageShape, classes: int) -> None:
        super().__init__()
        self.G, self.image_shape = G, image_shape
        self.register_buffer("one_hot", torch.eye(classes))

    def forward(self, z: torch.Tensor, c: torch.Tensor | None = None) -> torch.Tensor:
        if c is not None:  # class numbers, or the columns of another condition
            columns = c if c.is_floating_point() else self.get_buffer("one_hot")[c]
            z = torch.cat([z, columns], 1)
        return self.G(z).unflatten(1, self.image_shape)


def to_onnx(G: nn.Module, run: Run, exported: Mapping[str, Any] | None = None) -> bytes:
    """The generator as an ONNX model: input ``z`` (m, z_size), output ``images`` (m, c, h, w).

    A conditional generator has a second input ``c``: with classes their numbers, int64 (m,); with
    masks the known pixels and the mask, (m, 2 · pixels).

    Args:
        G: the run's generator, from `game_state.load_generator`; it is exported in evaluation mode.
        run: the run; its image shape, range and prior are written into the model's description,
            and its settings into the metadata, from which `open_run` reads them.
        exported: ``round`` and ``weights`` of G, stored for `Run.exported`.

    Raises:
        UserError: onnx and onnxscript are not installed, or torch cannot write G as ONNX.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 (torch needs it)
    except ImportError as error:
        raise UserError(f"ONNX is not installed. Install it with: {install('export')}") from error
    inputs = _example_inputs(run)
    m = {0: torch.export.Dim("m")}
    with _without_torchs_warnings():
        try:
            program = torch.onnx.export(
                _Images(G, run.image_shape, len(run.classes)).eval(),
                inputs,
                input_names=["z", "c"][: len(inputs)],
                output_names=["images"],
                dynamic_shapes=(m,) * len(inputs),
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            raise _not_as_onnx(error) from error
    assert program is not None
    model = program.model_proto
    low, high = run.range
    record = exported_record(run, {**(exported or {}), "dtype": "float32"})
    model.doc_string = (
        f"Generator of a GAN trained on {record['data']}. z ~ p_z = {run.settings.prior}, mean 0 "
        f"and variance 1 in each of {run.settings.z_size} dimensions; images in [{low:g}, "
        f"{high:g}]."
    )
    if exported:
        onnx.helper.set_model_props(model, {METADATA: json.dumps(record)})
    onnx.checker.check_model(model)
    file = io.BytesIO()
    onnx.save_model(model, file)
    return file.getvalue()


def _not_as_onnx(error: Exception) -> UserError:
    """The error for a G that torch cannot write as ONNX, in the first line of torch's cause."""
    cause = str(error.__cause__ or error).strip().partition("\n")[0]
    return UserError(
        f"G cannot be written as ONNX ({cause}). Its forward must be made of operations of torch "
        "that do not depend on the numbers in z; or write it as safetensors, into a folder."
    )


@contextmanager
def _without_torchs_warnings() -> Iterator[None]:
    """Silence torch's warnings about its own options and about torchvision, which is not needed."""
    logger = logging.getLogger("torch.onnx._internal.exporter")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _example_inputs(run: Run) -> tuple[torch.Tensor, ...]:
    """Example inputs for two images: z, and c if the run's G takes one."""
    s = run.settings
    z = torch.zeros(2, s.z_size)
    columns = condition_columns(s, run.classes, run.pixels) if s.condition else 0
    if not columns:
        return (z,)
    is_class = s.condition == "classes"
    return z, torch.zeros(2, dtype=torch.int64) if is_class else torch.zeros(2, columns)
