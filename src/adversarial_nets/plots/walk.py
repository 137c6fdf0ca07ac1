"""A closed walk through the generator's noise space z, and its images as an animation.

Under a Gaussian or spherical prior in many dimensions, almost all z have about the same norm, and
the norm at the middle of a straight line between two of them is much smaller. So the walk follows
great circles (White 2016, arXiv:1609.04468); under a uniform prior it follows straight lines.
"""

import io
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from adversarial_nets import priors
from adversarial_nets.classes import class_count, generator_input
from adversarial_nets.errors import UserError, install
from adversarial_nets.layers import evaluation_mode, reference_parameter
from adversarial_nets.plots.interpolation import straight_lines
from adversarial_nets.progress import Progress, no_progress
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings

__all__ = ["POINTS", "animation", "frame_milliseconds", "great_circles", "walk"]

POINTS = "points of walks in z"
"""The purpose (part of the random key) of the points of a walk."""

Ends = Float[Tensor, "rows z_size"]
Frames = NDArray[np.uint8]


def great_circles(z_0: Ends, z_1: Ends, points: int = 10) -> Float[Tensor, "rows points z_size"]:
    """Points on the arc from each z_0 to its z_1, at equal angles; norms change linearly.

    >>> arc = great_circles(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 3.0]]), points=3)
    >>> [[round(value, 3) for value in point] for point in arc[0].tolist()]
    [[1.0, 0.0], [1.414, 1.414], [0.0, 3.0]]
    """
    length_0, length_1 = (z.norm(dim=1, keepdim=True) for z in (z_0, z_1))
    u, v = z_0 / length_0, z_1 / length_1
    angle = torch.acos((u * v).sum(1, keepdim=True).clamp(-1, 1))[:, None].clamp_min(1e-6)
    t = torch.linspace(0, 1, points)[:, None]
    direction = ((1 - t) * angle).sin() * u[:, None] + (t * angle).sin() * v[:, None]
    return direction / angle.sin() * torch.lerp(length_0[:, None], length_1[:, None], t)


@torch.no_grad()
def walk(
    G: nn.Module,
    settings: Settings,
    points: int = 6,
    frames: int = 20,
    walks: int = 1,
    z: Ends | None = None,
    c: int | None = None,
    on_progress: Progress = no_progress,
) -> Float[Tensor, "walks total pixels"]:
    """G's images along closed walks through random points of z space.

    Args:
        G: the generator, raw or averaged.
        settings: the run's settings; the prior, z_size and the seed are used.
        points: random points that a walk visits, at least 2.
        frames: images from one point to the next.
        walks: number of walks.
        z: the points of all walks, walk by walk; by default drawn from the prior.
        c: for a conditional G, the class of all walks; by default walk i has class i.
        on_progress: called with (what, images done, number of images).

    Returns:
        points · frames images of each walk, which can be shown in a loop.
    """
    address = Address(settings.seed, 0, range(walks * points))
    z = priors.draw(settings.prior, address, settings.z_size, POINTS) if z is None else z
    z = z.unflatten(0, (walks, points))
    path = straight_lines if priors.find(settings.prior).straight else great_circles
    following = z.roll(-1, 1)
    steps = path(z.flatten(0, 1), following.flatten(0, 1), frames + 1)[:, :-1]
    like = reference_parameter(G)
    default = torch.arange(walks) % max(class_count(G), 1)
    of_walks = default if c is None else torch.full((walks,), c)
    of_images = of_walks.repeat_interleave(points * frames)
    inputs = generator_input(G, steps.flatten(0, 1), of_images)
    blocks: list[Tensor] = []
    with evaluation_mode(G):
        for block in inputs.split(1000):
            blocks.append(G(block.to(like)))
            on_progress("images of the walk", sum(map(len, blocks)), len(inputs))
    return torch.cat(blocks).float().cpu().unflatten(0, (walks, points * frames))


def frame_milliseconds(suffix: str, fps: int) -> int | float:
    """How long each frame of a film is shown; a GIF counts hundredths of a second.

    >>> frame_milliseconds(".gif", 12), frame_milliseconds(".webp", 12)
    (80, 83)
    """
    if suffix == ".mp4":
        return 1000 / fps
    return 10 * round(100 / fps) if suffix == ".gif" else round(1000 / fps)


def animation(
    frames: Frames, suffix: str, fps: int = 12, on_progress: Progress = no_progress
) -> bytes:
    """Frames (n, height, width, 3) as a looping GIF or WebP, or as an MP4 film.

    Raises:
        UserError: the film is an MP4 and imageio-ffmpeg is not installed.
    """
    if suffix == ".mp4":
        return _mp4(frames, fps)
    first, *others = (Image.fromarray(frame) for frame in frames)

    def reported() -> Iterator[Image.Image]:
        for i, image in enumerate(others, 1):
            on_progress("frames of the film", i, len(frames))
            yield image

    file = io.BytesIO()
    how = {"lossless": True} if suffix == ".webp" else {}
    first.save(
        file,
        suffix[1:].upper(),
        save_all=True,
        append_images=reported(),
        duration=frame_milliseconds(suffix, fps),
        loop=0,
        **how,
    )
    return file.getvalue()


def _mp4(frames: Frames, fps: int) -> bytes:
    """The frames as H.264, through the ffmpeg program of imageio-ffmpeg."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError as error:
        raise UserError(
            f"An MP4 needs ffmpeg. Write a .gif or .webp, or install it: {install('film')}"
        ) from error
    n, height, width, _ = frames.shape
    even = np.zeros((n, height + height % 2, width + width % 2, 3), np.uint8)  # H.264 needs this
    even[:, :height, :width] = frames
    size = f"{even.shape[2]}x{even.shape[1]}"
    input_options = f"-v error -f rawvideo -pix_fmt rgb24 -s {size} -r {fps} -i -"
    output_options = "-c:v libx264 -crf 16 -pix_fmt yuv420p"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "film.mp4"
        command = [get_ffmpeg_exe(), *input_options.split(), *output_options.split(), str(out)]
        subprocess.run(command, input=even.tobytes(), check=True)
        return out.read_bytes()
