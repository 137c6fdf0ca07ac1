"""A GAN on MNIST as tutorials write it, for comparison with the speed of our code.

Networks, optimiser and code follow a widely copied script (PyTorch-GAN's `gan.py`): every image
passes through PIL and three transforms each time it is used, D is applied to the samples once for
G's loss and again for D's loss, `BCELoss` follows a sigmoid, Adam uses its default loop, and every
step waits for two `.item()`. `equivalent_game` trains the same networks with the same losses and
optimiser in our code.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from adversarial_nets.build import new_game
from adversarial_nets.datasets import Dataset
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game

__all__ = ["discriminator", "equivalent_game", "generator", "textbook_steps"]

_Z, _BATCH, _LR, _BETAS = 100, 64, 2e-4, (0.5, 0.999)


def generator(pixels: int) -> nn.Sequential:
    """The tutorial's G: a network from noise (m, 100) to images (m, pixels) in [−1, 1]."""
    layers: list[nn.Module] = [nn.Linear(_Z, 128), nn.LeakyReLU(0.2)]
    for inputs, outputs in ((128, 256), (256, 512), (512, 1024)):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs, 0.8), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(1024, pixels), nn.Tanh())


def discriminator(pixels: int) -> nn.Sequential:
    """The tutorial's D: a network from images (m, pixels) to logits (m, 1), without its sigmoid."""
    return nn.Sequential(
        nn.Linear(pixels, 512),
        nn.LeakyReLU(0.2),
        nn.Linear(512, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 1),
    )


class _TransformedImages(TorchDataset[tuple[Tensor, int]]):
    """Like torchvision's MNIST with Resize, ToTensor and Normalize, one image at a time."""

    def __init__(self, data: Dataset) -> None:
        self.images = data.train.view(-1, *data.image_shape[1:])
        self.labels = torch.zeros(len(self.images), dtype=torch.int64)
        self.resize = _Resize(self.images.shape[1])
        self.normalize = _Normalize([0.5], [0.5])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        image, label = self.images[i], int(self.labels[i])
        picture = Image.fromarray(image.numpy())
        return self.normalize(_to_tensor(self.resize(picture))), label


class _Resize(nn.Module):
    """Resize a PIL image to `side` × `side`; an image of that size stays as it is."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, picture: Image.Image) -> Image.Image:
        if picture.size == (self.side, self.side):
            return picture
        return picture.resize((self.side, self.side), Image.Resampling.BILINEAR)


def _to_tensor(picture: Image.Image) -> Float[Tensor, "1 height width"]:
    x = torch.from_numpy(np.array(picture, np.uint8, copy=True))
    x = x.view(*picture.size[::-1], 1).permute(2, 0, 1).contiguous()
    return x.to(torch.get_default_dtype()).div(255)


class _Normalize(nn.Module):
    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x: Float[Tensor, "1 height width"]) -> Float[Tensor, "1 height width"]:
        x = x.clone()
        mean, std = (torch.as_tensor(v, dtype=x.dtype) for v in (self.mean, self.std))
        if (std == 0).any():
            raise ValueError("a channel with standard deviation 0 cannot be normalised")
        return x.sub_(mean.view(-1, 1, 1)).div_(std.view(-1, 1, 1))


def textbook_steps(data: Dataset) -> Iterator[tuple[float, float]]:
    """Train in an endless loop; each step yields D's loss and G's loss."""
    pixels = data.pixels
    G = generator(pixels)
    D = nn.Sequential(*discriminator(pixels), nn.Sigmoid())
    loss = nn.BCELoss()
    optimiser_G = torch.optim.Adam(G.parameters(), lr=_LR, betas=_BETAS)
    optimiser_D = torch.optim.Adam(D.parameters(), lr=_LR, betas=_BETAS)
    loader = DataLoader(_TransformedImages(data), batch_size=_BATCH, shuffle=True, drop_last=True)
    while True:
        for images, _ in loader:
            valid, fake = torch.ones(len(images), 1), torch.zeros(len(images), 1)
            real = images.view(len(images), -1)

            optimiser_G.zero_grad()
            z = torch.randn(len(images), _Z)
            samples = G(z)
            g_loss = loss(D(samples), valid)
            g_loss.backward()
            optimiser_G.step()

            optimiser_D.zero_grad()
            d_loss = (loss(D(real), valid) + loss(D(samples.detach()), fake)) / 2
            d_loss.backward()
            optimiser_D.step()
            yield d_loss.item(), g_loss.item()


@dataclass(frozen=True)
class _ScaledImages:
    """A data set whose minibatches are scaled to [−1, 1]."""

    data: Dataset

    @property
    def pixels(self) -> int:
        return self.data.pixels

    @property
    def examples_per_epoch(self) -> int:
        return self.data.examples_per_epoch

    def minibatch(self, address: Address, first: int) -> Float[Tensor, "rows pixels"]:
        return self.data.minibatch(address, first).mul_(2).sub_(1)


def equivalent_game(data: Dataset, bf16_matmul: bool = False) -> Game:
    """A `Game` with the same networks, losses, optimiser, minibatch and noise as the tutorial."""
    settings = Settings(
        protocol="released",  # both gradients at the same weights and samples
        batch=_BATCH,
        prior="gaussian",
        z_size=_Z,
        optimiser="adam",
        lr=_LR,
        lr_decay=1.0,
        momentum=_BETAS[0],
        momentum_end=_BETAS[0],
    )
    pixels = data.pixels
    G, D = generator(pixels), discriminator(pixels)
    return new_game(settings, _ScaledImages(data), G=G, D=D, bf16_matmul=bf16_matmul)
