"""The speed of the preset `pictures` and of a plain loop with the same networks.

The loop is written as PyTorch's DCGAN tutorial teaches it: every image passes through PIL and two
transforms each time it is used; D is computed on data, on samples and, for G's update, on the
samples again; Adam has its default implementation; images keep PyTorch's default layout; every step
waits for the losses. Both train with the same losses, initial ranges, optimiser and minibatch,
without penalties and averages.
"""

import dataclasses
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from adversarial_nets import nets
from adversarial_nets.build import new_game
from adversarial_nets.convolutional import ChannelsLast, OutputConvolution, set_layout
from adversarial_nets.datasets import Dataset
from adversarial_nets.engine.timing import Workload, take_turns
from adversarial_nets.game import play
from adversarial_nets.presets import PRESETS
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings

__all__ = ["PictureSpeed", "measure_pictures", "noise_images", "plain_steps"]


@dataclass(frozen=True)
class PictureSpeed:
    """The results of `measure_pictures`.

    Attributes:
        plain: images per second of the plain loop, median of the turns.
        ours: images per second of our game with the same losses.
        preset: images per second of the whole preset, with penalties, averages and augmentation.
        ratio: ours divided by plain, median of the turns.
        losses: D's and G's mean loss over all turns, for the plain loop and for our game.
    """

    plain: float
    ours: float
    preset: float
    ratio: float
    losses: dict[str, tuple[float, float]]


def noise_images(n: int = 2000, side: int = 32) -> Dataset:
    """Colour images of smooth noise for the measurement."""
    coarse = Address(0, 0, range(n)).uniform("images", 3 * 4 * 4).view(n, 3, 4, 4)
    smooth = nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    x = (smooth * 255).to(torch.uint8).flatten(1)
    return Dataset("noise", x[:-20], x[-20:-10], x[-10:], (3, side, side), "smooth noise")


class _TransformedImages(TorchDataset[Tensor]):
    """Like torchvision's ImageFolder with ToTensor and Normalize, one image at a time."""

    def __init__(self, data: Dataset) -> None:
        channels, height, width = data.image_shape
        x = data.train.view(-1, channels, height, width).permute(0, 2, 3, 1)
        self.images = [Image.fromarray(image.contiguous().numpy()) for image in x]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> Float[Tensor, "c h w"]:
        x = torch.from_numpy(np.array(self.images[i])).permute(2, 0, 1).contiguous()
        return x.float().div(255).sub(0.5).div(0.5)


def plain_steps(data: Dataset, s: Settings) -> Iterator[tuple[float, float]]:
    """Train the settings' networks in an endless loop; each step yields D's loss and G's loss."""
    shape = data.image_shape
    G = _plain(nets.generator(s.G, s.z_size, data.pixels, s.seed, shape))
    D = _plain(nets.discriminator(s.D, data.pixels, s.seed, shape))
    loss = nn.BCEWithLogitsLoss()
    betas = (s.momentum, s.adam_beta2)
    optimiser_D = torch.optim.Adam(D.parameters(), lr=s.lr, betas=betas)
    optimiser_G = torch.optim.Adam(G.parameters(), lr=s.lr, betas=betas)
    loader = DataLoader(_TransformedImages(data), batch_size=s.batch, shuffle=True, drop_last=True)
    while True:
        for images in loader:
            real = (images.flatten(1) + 1) / 2  # our D scales images itself
            valid, fake = torch.ones(len(real)), torch.zeros(len(real))

            D.zero_grad()
            on_data = loss(D(real).view(-1), valid)
            on_data.backward()
            samples = G(torch.randn(len(real), s.z_size))
            on_samples = loss(D(samples.detach()).view(-1), fake)
            on_samples.backward()
            d_loss = on_data + on_samples
            optimiser_D.step()

            G.zero_grad()
            g_loss = loss(D(samples).view(-1), valid)
            g_loss.backward()
            optimiser_G.step()
            yield d_loss.item(), g_loss.item()


def _plain(net: nn.Sequential) -> nn.Sequential:
    """A network rebuilt with PyTorch's own layers and its default memory layout."""
    layers = [layer for layer in net if not isinstance(layer, ChannelsLast)]
    for i, layer in enumerate(layers):
        if isinstance(layer, OutputConvolution):
            layers[i] = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1)
            layers[i].load_state_dict(layer.state_dict())
    plain = nn.Sequential(*layers)
    set_layout(plain, torch.contiguous_format)
    return plain


def measure_pictures(turns: int = 7, steps: int = 8, data: Dataset | None = None) -> PictureSpeed:
    """Measure the plain loop, our game and the whole preset in turns.

    Args:
        turns: how many times each of them trains.
        steps: minibatches in one turn.
        data: the images; noise of 32 × 32 by default.
    """
    data = data or noise_images()
    preset = PRESETS["pictures"].settings
    bare = dataclasses.replace(preset, r1=0.0, r2=0.0, augment=0.0, ema_decay=0.0)
    plain, ours, whole = plain_steps(data, bare), new_game(bare, data), new_game(preset, data)
    losses: list[tuple[float, float]] = []
    programs: dict[str, Workload] = {
        "plain": lambda: losses.append(next(plain)),
        "ours": lambda: play(ours, ours.round + 1),
        "preset": lambda: play(whole, whole.round + 1),
    }
    seconds = take_turns(programs, turns, repeats=steps)
    means = ours.stats.means()
    d_plain, g_plain = (statistics.fmean(column) for column in zip(*losses, strict=True))
    ratios = [p / o for p, o in zip(seconds["plain"], seconds["ours"], strict=True)]
    per_second = {n: preset.batch / statistics.median(times) for n, times in seconds.items()}
    return PictureSpeed(
        **per_second,
        ratio=statistics.median(ratios),
        losses={"plain": (d_plain, g_plain), "ours": (means["d_loss"], means["g_loss"])},
    )
