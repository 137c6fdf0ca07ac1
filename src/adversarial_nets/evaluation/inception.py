"""Image features from Inception-v3, as FID uses them (Heusel et al. 2017, arXiv:1706.08500).

The network is torch-fidelity's (extra ``photographs``). Its weights are downloaded once and
checked.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.datasets import Dataset, to_pixels
from adversarial_nets.datasets.download import cache_folder, fetch_file, user_folders
from adversarial_nets.errors import UserError, install
from adversarial_nets.progress import Progress

__all__ = ["inception"]

FILE = "weights-inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
URLS = (f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}",)
LAYER = "2048"  # the last pooling layer, as in Heusel et al. 2017
_BLOCK = 50  # images in one forward pass


def inception(
    data: Dataset, on_progress: Progress | None = None
) -> Callable[[Float[Tensor, "n pixels"]], Float[Tensor, "n features"]]:
    """Return a function that computes 2,048 Inception features of each image.

    Images are converted by `datasets.to_pixels`. It rescales each contrast-normalised image to its
    largest value, so for such data distances cannot be compared with published FIDs.

    Args:
        data: the data set of the images; grey images are given to the network as three equal
            channels.
        on_progress: called with (what, amount done, total) during the download and the forward
            passes.

    Raises:
        UserError: torch-fidelity is not installed or does not run; the weights are missing and
            cannot be downloaded, or have another checksum.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise UserError(
            f"Inception's features need torch-fidelity. Install it with: {install('photographs')}"
        ) from error
    except (RuntimeError, OSError) as error:  # a torchvision built for another PyTorch
        raise UserError(
            f"torch-fidelity cannot be imported ({error}). Install the torchvision that was built "
            "for this PyTorch."
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
    """The path of the checked weights file, in the user's folder or the cache."""
    local = next((p / FILE for p in user_folders("inception") if (p / FILE).is_file()), None)
    if local:
        _check(local)
        return local
    file = cache_folder() / "inception" / FILE
    instructions = f"get that file elsewhere and put it at ADVNETS_DATA/inception/{FILE}."
    fetch_file(file, URLS, _check, on_progress, instructions=instructions)
    return file


def _check(path: Path) -> bool:
    """Check the file's SHA-256; torch-fidelity unpickles it, so other files are not safe.

    Raises:
        UserError: the file has another SHA-256.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise UserError(
            f"{path} does not hold Inception's weights: its SHA-256 is {digest}, not {SHA256}. "
            "Delete it and download it again."
        )
    return True
