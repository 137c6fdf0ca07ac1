"""A generator in an ONNX file that ``advnets export`` wrote, computed by onnxruntime."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversarial_nets.errors import UserError, install
from adversarial_nets.runs.fields import check

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from torch import nn

__all__ = ["METADATA", "read_generator", "read_record"]

METADATA = "advnets"
"""Key of the file's metadata under which the contents of settings.json are stored
(`runs.exported`)."""


def _session(path: Path) -> "InferenceSession":
    """An onnxruntime session of the file."""
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            f"{path} is read by onnxruntime, which is not installed. Install it with: "
            f"{install('export')}"
        ) from error
    try:
        return onnxruntime.InferenceSession(path)
    except Exception as error:  # onnxruntime's own exceptions have no common class
        raise UserError(f"{path} cannot be read ({error}). Export it again.") from error


def read_record(path: Path) -> dict[str, Any]:
    """Read the settings, image shape, range, … of the file's generator, as in settings.json.

    Raises:
        UserError: the file cannot be read, or another program wrote it.
    """
    text = _session(path).get_modelmeta().custom_metadata_map.get(METADATA, "")
    try:
        record: dict[str, Any] = json.loads(text)
        check(record, dict)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path} does not contain the settings of its generator: another program or an earlier "
            "version wrote it, or it is damaged. Export the run again with advnets export."
        ) from error
    return record


def read_generator(path: Path) -> "nn.Module":
    """The file's generator as a module: rows of noise, with their condition, to flat images.

    The module has no trainable weights and no gradients. It refuses rows that require gradients.

    Raises:
        UserError: the file cannot be read.
    """
    import torch
    from torch import Tensor, nn

    class OnnxGenerator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.session = _session(path)
            self.inputs = self.session.get_inputs()
            self.register_parameter("like", nn.Parameter(torch.zeros(1), requires_grad=False))

        def __deepcopy__(self, memo: dict[int, Any]) -> "OnnxGenerator":
            return self  # a session cannot be copied, and nothing in it changes

        def forward(self, rows: Tensor) -> Tensor:
            if rows.requires_grad and torch.is_grad_enabled():
                raise UserError(
                    f"{path} is an ONNX file, which has no gradients, and z can only be optimised "
                    "with them. Give the folder of a run or of a safetensors export; in Python, "
                    "your own G as a torch module."
                )
            z_size = self.inputs[0].shape[1]
            feed = {self.inputs[0].name: rows[:, :z_size]}
            if len(self.inputs) > 1:  # the condition: class numbers, or its columns
                condition = rows[:, z_size:]
                is_number = "int" in self.inputs[1].type
                feed[self.inputs[1].name] = condition.argmax(1) if is_number else condition
            arrays = {name: x.detach().cpu().numpy() for name, x in feed.items()}
            (images,) = self.session.run(None, arrays)
            return torch.from_numpy(images).flatten(1)

    return OnnxGenerator().eval()
