"""Inception's features, for photographs: the net and the layer that FID is computed on.

The net is torch-fidelity's (extra ``photographs``); its weights are fetched once and checked.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.datasets import Dataset, to_pixels
from adversarial_nets.datasets._download import cache_folder, fetch_file, own_folders
from adversarial_nets.errors import UserError
from adversarial_nets.progress import Progress

__all__ = ["inception"]

FILE = "weights-inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
URLS = (f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}",)
LAYER = "2048"  # the last pooling, as in Heusel et al. 2017
_BLOCK = 50  # images through the net at once


def inception(
    data: Dataset, on_progress: Progress | None = None
) -> Callable[[Float[Tensor, "n pixels"]], Float[Tensor, "n features"]]:
    """What makes 2,048 features of the data set's images.

    Images are shown to the net as this project draws them (`datasets.to_pixels`): values around 0,
    as after contrast normalisation, have no brightness of their own, so each image is stretched
    to its largest value. Then distances compare with each other, but with no published FID.

    Args:
        data: whose images will come; grey ones are shown as three equal channels.
        on_progress: called with (what, done, in all) while weights or images go by.

    Raises:
        UserError: torch-fidelity is not installed or does not run; the weights are not here and
            cannot be fetched, or are not the right ones.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise UserError(
            "Inception's features need torch-fidelity. Install it with: pip install "
            "'adversarial-nets[photographs]'"
        ) from error
    except (RuntimeError, OSError) as error:  # a torchvision made for another torch
        raise UserError(
            f"torch-fidelity does not run here ({error}). Its torchvision must be the one that was "
            "made for this PyTorch."
        ) from error
    net = FeatureExtractorInceptionV3("inception", [LAYER], str(_weights(on_progress))).eval()

    @torch.no_grad()
    def features(x: Float[Tensor, "n pixels"]) -> Float[Tensor, "n features"]:
        found = []
        for i, block in enumerate(x.split(_BLOCK)):
            pictures = torch.from_numpy(to_pixels(block, data.image_shape, data.range))
            found.append(net(pictures.permute(0, 3, 1, 2).contiguous())[0].flatten(1))
            if on_progress:
                on_progress("Inception", min((i + 1) * _BLOCK, len(x)), len(x))
        return torch.cat(found)

    return features


def _weights(on_progress: Progress | None) -> Path:
    """The file of weights, its checksum right: one's own, or the cache's."""
    own = next((p / FILE for p in own_folders("inception") if (p / FILE).is_file()), None)
    if own:
        _check(own)
        return own
    file = cache_folder() / "inception" / FILE
    by_hand = f"fetch that file elsewhere and put it at ADVNETS_DATA/inception/{FILE}."
    fetch_file(file, URLS, _check, on_progress, by_hand=by_hand)
    return file


def _check(path: Path) -> bool:
    """Whether the file is the one: torch-fidelity unpickles it, so no other may pass.

    Raises:
        UserError: it is another.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise UserError(
            f"{path} does not hold Inception's weights: its SHA-256 is {digest}, not {SHA256}. "
            "Delete it and fetch it again."
        )
    return True
