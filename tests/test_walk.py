"""Walks through z space, films of them, and single files of samples."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import adversarial_nets as an
from adversarial_nets import nets
from adversarial_nets.cli.main import main
from adversarial_nets.plots.walk import animation, frame_milliseconds, great_circles, walk
from small import generator, small_data, small_settings


def test_great_circles_keep_a_common_length_and_equal_angles() -> None:
    z = torch.randn(6, 50, generator=generator())
    z = z / z.norm(dim=1, keepdim=True) * 7
    arc = great_circles(z[:3], z[3:], 9)
    torch.testing.assert_close(arc.norm(dim=2), torch.full((3, 9), 7.0))
    torch.testing.assert_close(arc[:, 0], z[:3])
    torch.testing.assert_close(arc[:, -1], z[3:])
    steps = (arc[:, 1:] - arc[:, :-1]).norm(dim=2)
    torch.testing.assert_close(steps, steps[:, :1].expand(3, 8))
    same = great_circles(z[:3], z[:3], 4)
    torch.testing.assert_close(same, z[:3, None].expand(3, 4, 50), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("prior", ["uniform", "gaussian"])
def test_a_walk_is_closed_and_steps_are_small(prior: str) -> None:
    s = small_settings(prior=prior)
    G = nets.generator(s.G, s.z_size, 36)
    x = walk(G, s, points=3, frames=20, walks=2)
    assert x.shape == (2, 60, 36)
    steps = (x.roll(-1, 1) - x).norm(dim=2)  # the last one leads back to the first image
    assert steps.max() < 0.35 * (x - x.mean(1, keepdim=True)).norm(dim=2).max()
    assert steps.min() > 0
    assert torch.equal(walk(G, s, points=3, frames=20, walks=1)[0, 0], x[0, 0])


@pytest.mark.parametrize("prior", ["uniform", "gaussian"])
def test_a_walk_stays_where_the_prior_draws(prior: str) -> None:
    """Straight lines of a uniform prior stay in its cube; a Gaussian's points keep their length."""
    s = small_settings(prior=prior)
    G = nn.Linear(s.z_size, s.z_size, bias=False)
    nn.init.eye_(G.weight)  # G(z) = z
    z = walk(G, s, points=2, frames=2, walks=50)
    first, middle, last = z[:, 0], z[:, 1], z[:, 2]  # of a closed walk of four
    if prior == "uniform":
        torch.testing.assert_close(middle, (first + last) / 2)
    else:
        lengths = (first.norm(dim=1) + last.norm(dim=1)) / 2
        torch.testing.assert_close(middle.norm(dim=1), lengths, rtol=1e-5, atol=0)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_has_all_frames_and_loops(suffix: str) -> None:
    frames = np.zeros((5, 8, 12, 3), np.uint8)
    for i in range(5):
        frames[i, i] = 255
    image = Image.open(io.BytesIO(animation(frames, suffix, fps=12)))
    assert (getattr(image, "n_frames", 1), image.size, image.info["loop"]) == (5, (12, 8), 0)
    image.seek(3)
    assert (np.asarray(image.convert("RGB"))[3] > 200).all()
    assert image.info["duration"] == frame_milliseconds(suffix, 12)


def test_a_film_in_mp4() -> None:
    frames = np.full((4, 31, 17, 3), 128, np.uint8)  # odd sides
    film = animation(frames, ".mp4")
    assert film[4:8] == b"ftyp"


def test_the_commands_write_what_they_say(tmp_path: Path) -> None:
    run = tmp_path / "run"
    an.train(small_data(), settings=small_settings(), run=run, rounds=10, progress=False)
    out = tmp_path / "films" / "walk.gif"
    assert main(["walk", str(run), "--out", str(out), "--n", "3", "--frames", "2"]) == 0
    with Image.open(out) as film:
        assert film.n_frames == 12  # type: ignore[attr-defined]
        assert film.size == (3 * (2 * 8 + 2), 3 * (2 * 8 + 2))  # two rows and columns of 6 + 2
    singles = tmp_path / "singles"
    assert main(["sample", str(run), "--out", str(singles), "--n", "3", "--first", "5"]) == 0
    assert sorted(p.name for p in singles.iterdir()) == [f"sample-{i:06d}.png" for i in (5, 6, 7)]
    pictures = []
    for first, name in ((7, "same.png"), (8, "other.png")):
        one = tmp_path / name
        assert main(["sample", str(run), "--out", str(one), "--n", "1", "--first", str(first)]) == 0
        pictures.append(one.read_bytes())
    assert pictures[0] == (singles / "sample-000007.png").read_bytes() != pictures[1]
    assert main(["sample", str(run), "--out", str(one), "--n", "1", "--seed", "9"]) == 0
    assert one.read_bytes() not in pictures
    assert main(["walk", str(run), "--training", "--out", str(tmp_path / "t.gif")]) == 0
    with Image.open(tmp_path / "t.gif") as film:
        drawn = len(list((run / "samples").glob("round-*.png")))
        assert film.n_frames == drawn == 2  # type: ignore[attr-defined]
    assert main(["walk", str(run), "--points", "1"]) == 2
    assert main(["walk", str(run), "--out", "film.avi"]) == 2
