"""Filling in (§7): masks, completions by optimisation and by a game that was trained for it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import adversarial_nets as an
from adversarial_nets.build import new_game
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import sample_images
from adversarial_nets.engine.manual_support import supports
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import features
from adversarial_nets.game import play, sample, sample_data, sample_noise
from adversarial_nets.masks import REGIONS, known_part, random_masks, region_mask
from adversarial_nets.paper.section7 import filling_in_study
from adversarial_nets.paper.section7.filling_in import (
    complete_in_one_pass,
    completion_loss,
    neighbour_weights,
    optimise_completions,
)
from adversarial_nets.paper.section7.filling_in_study import (
    filling_in_rows,
    measured,
    nearest_on_known_pixels,
)
from adversarial_nets.playground.latent_explorer import open_latent_explorer
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from commands import result
from small import normal, small_data, small_labelled_data, small_settings
from test_metrics_docs import check


def masked(**changes: object) -> Settings:
    return small_settings(condition="masks", **changes)


# --- Masks ----------------------------------------------------------------------------------------


def test_named_regions_hide_what_they_say() -> None:
    shape = (3, 28, 28)
    masks = {region: region_mask(region, shape).view(shape) for region in REGIONS}
    for mask in masks.values():
        assert torch.equal(mask[0], mask[2])  # all colours of a pixel alike
    assert not masks["right"][..., 14:].any()
    assert bool(masks["right"][..., :14].all())
    for one, other in (("right", "left"), ("top", "bottom")):
        assert torch.equal(masks[one], 1 - masks[other])
    blocks = masks["blocks"][0].view(7, 4, 7, 4).transpose(1, 2).flatten(2)
    assert (blocks.amax(2) == blocks.amin(2)).all()  # each block is known or hidden as a whole
    assert int((blocks[..., 0] == 0).sum()) == 16


def test_random_masks_depend_on_the_row_alone_and_some_hide_everything() -> None:
    whole = random_masks(Address(1, 5, range(600)), (1, 6, 6))
    part = random_masks(Address(1, 5, range(200, 300)), (1, 6, 6))
    assert torch.equal(whole[200:300], part)
    assert set(whole.unique().tolist()) == {0.0, 1.0}
    hidden = 1 - whole.mean(1)
    assert (hidden == 1).double().mean() == pytest.approx(1 / 6, abs=0.06)
    halves = torch.stack([region_mask(region, (1, 6, 6)) for region in REGIONS[:4]])
    is_half = (whole[:, None] == halves).all(2).any(1)
    assert is_half.double().mean() == pytest.approx(1 / 3, abs=0.06)


def test_random_masks_hide_each_share_of_the_blocks_equally_often() -> None:
    """Besides the masks of halves, and of a sixth of all masks, which hide everything."""
    masks = random_masks(Address(1, 5, range(8000)), (1, 7, 7))  # one pixel in each block
    halves = torch.stack([region_mask(region, (1, 7, 7)) for region in REGIONS[:4]])
    hidden = 49 - masks[~(masks[:, None] == halves).all(2).any(1)].sum(1).long()
    assert (hidden == 49).sum() / 8000 == pytest.approx(1 / 6 + 0.5 / 50, abs=0.015)
    counts = hidden.bincount(minlength=50)[:49] / 8000  # U(0, 1) gives each of 0 … 49 alike
    torch.testing.assert_close(counts, torch.full((49,), 0.5 / 50), rtol=0, atol=0.004)


def test_a_known_pixel_weighs_as_much_as_its_neighbours_are_hidden() -> None:
    mask = torch.ones(1, 81)
    assert not neighbour_weights(mask, (1, 9, 9)).any()  # nothing is hidden
    assert not neighbour_weights(1 - mask, (1, 9, 9)).any()  # nothing is known
    mask[0, 4 * 9 + 4] = 0
    weights = neighbour_weights(mask, (1, 9, 9)).view(9, 9)
    assert weights[4, 4] == 0
    assert weights[3, 3].item() == pytest.approx(1 / 49)
    assert weights[1, 4].item() == pytest.approx(1 / 35)  # the window ends at the image's edge
    assert weights[0, 4] == 0  # 4 rows away


# --- The game with masks --------------------------------------------------------------------------


def played(settings: Settings, rounds: int = 20, **how: object) -> Game:
    game = new_game(settings, small_data(), dtype=torch.float64, **how)  # type: ignore[arg-type]
    play(game, rounds)
    return game


@pytest.mark.parametrize("changes", [{}, {"r1": 0.3, "protocol": "paper", "k": 2}])
def test_manual_backprop_equals_autograd(changes: dict[str, object]) -> None:
    settings = masked(**changes)
    assert supports(new_game(settings, small_data()))
    games = [played(settings, manual_backprop=m) for m in (True, False)]
    for p, q in zip(games[0].G.parameters(), games[1].G.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-10, atol=1e-10)


def test_rows_hold_the_known_pixels_of_the_minibatchs_images() -> None:
    game = new_game(masked(), small_data())
    x, z = sample_data(game, 0), sample_noise(game, 0, "z for D")
    images, seen, mask = x.split(36, 1)
    assert torch.equal(seen, images * mask)
    assert torch.equal(z[:, 5:], x[:, 36:])


def test_resume_is_the_uninterrupted_run(tmp_path: Path) -> None:
    cadence = an.Cadence(log_every=5, save_every=5, score_every=6, samples_every=100)
    for name, lengths in {"whole": [12], "parts": [5, 12]}.items():
        for rounds in lengths:
            run = tmp_path / name
            how = {"settings": masked(), "run": run, "cadence": cadence, "progress": False}
            an.train(small_data(), rounds=rounds, **how)  # type: ignore[arg-type]
    (a, _), (b, _) = (an.load_generator(tmp_path / name) for name in ("whole", "parts"))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def test_all_known_is_the_image_and_nothing_known_is_a_plain_sample() -> None:
    data, settings = small_data(), masked()
    G = new_game(settings, data).G.eval()
    x = data.floats(data.test[:4])
    ones = torch.ones_like(x)
    assert torch.equal(complete_in_one_pass(G, settings, x, ones), x)
    nothing = complete_in_one_pass(G, settings, x, 0 * ones)
    assert torch.equal(nothing, sample(G, settings, 4, "z to fill in"))
    other = complete_in_one_pass(G, settings, x.flip(0), 0 * ones)
    assert torch.equal(nothing, other)  # hidden pixels have no effect
    known = complete_in_one_pass(G, settings, x, region_mask("top", (1, 6, 6)).expand_as(x))
    assert torch.equal(known[:, 18:], x[:, 18:])
    assert known_part(x, ones).shape == (4, 72)


# --- By optimisation ------------------------------------------------------------------------------


class Blind(nn.Module):
    """A D whose output is ½ everywhere."""

    def forward(self, x: Tensor) -> Tensor:
        return 0 * x.sum(1, keepdim=True)


def test_optimisation_completes_samples_of_G_itself() -> None:
    """With half of a sample known, the z that agrees with it gives the other half."""
    settings = small_settings(z_size=3, prior="gaussian")
    G = nn.Linear(3, 36, bias=False)
    with torch.no_grad():
        G.weight.copy_(torch.randn(36, 3, generator=torch.Generator().manual_seed(1)))
        x = G(torch.randn(4, 3, generator=torch.Generator().manual_seed(2)))
    mask = region_mask("left", (1, 6, 6)).expand_as(x)
    how = (G.eval(), Blind(), settings, x, mask, (1, 6, 6))
    found = optimise_completions(*how, steps=400)
    assert torch.equal(found * mask, x * mask)
    start = optimise_completions(*how, steps=1)
    assert (found - x).norm() < 0.2 * (start - x).norm()


def test_a_mask_of_truth_values_or_one_for_all_images_counts() -> None:
    G, settings, x = nn.Linear(5, 36).eval(), small_settings(), torch.rand(3, 36)
    mask = region_mask("top", (1, 6, 6))
    wanted = optimise_completions(G, None, settings, x, mask.expand(3, 36), (1, 6, 6), steps=2)
    for given in (mask, mask.bool(), mask[None], mask.bool().expand(3, 36), mask.int()):
        found = optimise_completions(G, None, settings, x, given, (1, 6, 6), steps=2)
        assert torch.equal(found, wanted)


@pytest.mark.usefixtures("_as_users_run_it")
def test_what_cannot_be_filled_in_is_explained() -> None:
    G, x, mask = nn.Linear(5, 36).eval(), torch.rand(3, 36), torch.ones(3, 36)
    images = x.view(3, 1, 6, 6)
    with pytest.raises(
        UserError, match=r"condition is None; it must be masks.*optimise_completions"
    ):
        complete_in_one_pass(G, small_settings(), x, mask)
    with pytest.raises(UserError, match=r"mask has shape \(2, 36\); it must be \(3, 36\)"):
        optimise_completions(G, None, small_settings(), x, mask[:2], (1, 6, 6), steps=1)
    with pytest.raises(UserError, match=r"shape \(3, 1, 6, 6\).*flatten"):
        optimise_completions(G, None, small_settings(), images, mask, (1, 6, 6), steps=1)
    with pytest.raises(UserError, match=r"no region named 'rigt'. Did you mean right"):
        region_mask("rigt", (1, 6, 6))


def test_the_loss_is_the_published_one() -> None:
    """Σ w·|x − G(z)| + λ log(1 − D(G(z))), for a D whose output depends on x."""
    x, filled, a = normal(4, 36), normal(4, 36, step=1), normal(4, 1, step=2)[:, 0]
    weights = neighbour_weights(region_mask("left", (1, 6, 6)).expand(4, -1), (1, 6, 6)).double()
    D = a.sigmoid()
    expected = (weights * (x - filled).abs()).sum() + 0.003 * (1 - D).log().sum()
    torch.testing.assert_close(completion_loss(filled, a, x, weights), expected)
    known = (weights * (x - filled).abs()).sum()
    torch.testing.assert_close(completion_loss(filled, None, x, weights), known)


# --- Measures and commands ------------------------------------------------------------------------


def test_measures_of_perfect_and_of_equal_completions() -> None:
    data = small_labelled_data()
    x, c = data.floats(data.test[:5]), data.labels["test"][:5]
    mask = region_mask("right", (1, 6, 6))
    perfect = measured(x[:, None].repeat(1, 3, 1), x, c, mask, lambda _: c.repeat_interleave(3))
    assert (perfect.rmse, perfect.right_class, perfect.diversity) == (0.0, 1.0, 0.0)
    off = torch.stack([x, x + 0.2 * (1 - mask)], 1)
    some = measured(off, x, c, mask, lambda images: torch.zeros(len(images), dtype=torch.int64))
    assert some.rmse == pytest.approx(0.2 / 2**0.5, rel=1e-4)
    assert some.diversity == pytest.approx(0.1, rel=1e-4)
    train = data.floats(data.train[:3])
    changed = mask * train + (1 - mask) * 0.5  # the known pixels decide
    assert torch.equal(nearest_on_known_pixels(data, changed, mask), train)


def test_completions_by_the_mean_image_keep_the_known_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small_labelled_data()
    run = an.train(data, settings=small_settings(), run=tmp_path, rounds=1, progress=False)
    classified: list[Tensor] = []

    class Classifier:
        def classes(self, images: Tensor) -> Tensor:
            classified.append(images)
            return torch.zeros(len(images), dtype=torch.int64)

    x = sample_images(data, "test", 3)
    completed = x.repeat_interleave(5, 0).unflatten(0, (3, 5))
    monkeypatch.setattr(features, "classifier", lambda *_: Classifier())
    monkeypatch.setattr(filling_in_study, "completions_of", lambda *_, each: completed)
    rows, _ = filling_in_rows(run, data, images=3)
    ours = {(row.model, row.measure): row.ours for row in rows}
    train = data.floats(data.train)
    for i, region in enumerate(("right", "blocks")):
        known = region_mask(region, (1, 6, 6)) > 0
        by_mean = torch.where(known, x, train.mean(0))
        torch.testing.assert_close(classified[3 * i + 1], by_mean)
        error = (x - train.mean(0))[:, ~known].square().mean().sqrt().item()
        assert ours["mean image", f"RMSE, {region} hidden"] == pytest.approx(error, rel=1e-5)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "masks"
    an.train("mnist-5k", settings=masked(), run=folder, rounds=5, progress=False)
    return folder


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    names = {name: tmp_path / f"{name.lower()}.png" for name in ("IMAGE", "MASK", "SMALL", "FULL")}
    half = np.zeros((28, 28), np.uint8)
    half[:, :20] = 255
    for name, pixels in (
        ("IMAGE", half // 2),
        ("MASK", half),
        ("SMALL", half[:20, :20]),
        ("FULL", 0 * half + 255),
    ):
        Image.fromarray(pixels).save(names[name])
    return names


def test_the_trained_run_board_shows_samples_with_no_pixel_known(run: Path) -> None:
    explorer = open_latent_explorer(run)
    size = an.open_run(run).settings.z_size
    assert explorer.z.shape[1] == size + 2 * 28 * 28  # known pixels and the mask
    assert not explorer.z[:, size:].any()
    assert not explorer.directions[:, size:].any()
    found = explorer.images_at({"a": 0, "b": 1, "t": 0.5, "offsets": [1.0]})
    assert found["classes"] == []
    assert found["here"]


def test_inpaint(
    run: Path,
    files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(features, "STEPS", 10)
    words = ("inpaint", str(run), str(files["IMAGE"]), "--completions", "3")
    found = result(capsys, *words, "--hide", str(files["MASK"]))
    check(found, "inpaint --json")
    assert found["hidden"] == pytest.approx(8 / 28)
    assert found["by"] == "one pass of G"
    assert len(found["rmse"]) == 3  # type: ignore[arg-type]
    assert (run / "inpainting.png").is_file()
    out = ("--out", str(tmp_path / "out"))
    rows = result(capsys, "paper", "section7", "filling-in", str(run), "--images", "6", *out)
    check(rows, "paper section7 --json")
    assert {row["measure"] for row in rows["rows"]} >= {  # type: ignore[attr-defined]
        "RMSE, right hidden",
        "diversity, blocks hidden",
    }


def test_inpaint_with_classes_and_with_the_joint_games_D(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    joint = tmp_path / "joint"
    an.train("mnist-5k", settings=small_settings(joint=True), run=joint, rounds=2, progress=False)
    words = (str(files["IMAGE"]), "--completions", "2", "--steps", "2")
    for line in (
        ("digits", *words, "--out", str(tmp_path / "any.png")),
        ("digits", *words, "--class", "7", "--out", str(tmp_path / "seven.png")),
        (str(joint), *words),
    ):
        found = result(capsys, "inpaint", *line)
        assert found["by"] == "optimisation of z"
        assert len(found["rmse"]) == 2  # type: ignore[arg-type]
    a, b = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("any", "seven"))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("inpaint RUN", "IMAGE is missing"),
        ("inpaint RUN IMAGE --hide middle", "middle cannot be read"),
        ("inpaint RUN IMAGE --hide SMALL", "is 20×20 pixels; the run's images are 28×28"),
        ("inpaint RUN IMAGE --hide FULL", "hides no pixel"),
        ("inpaint RUN SMALL", "--resize"),
        ("inpaint RUN IMAGE --completions 0", "--completions is 0"),
        ("paper section7 filling-in", "needs one finished run"),
        ("sample RUN --class 3", "has no classes"),
    ],
)
def test_mistakes(
    line: str,
    words: str,
    run: Path,
    files: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = {"RUN": run, **files}
    assert main([str(names.get(word, word)) for word in line.split()]) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_masks_need_images_and_the_settings_networks() -> None:
    with pytest.raises(an.UserError, match="only the settings' networks"):
        new_game(masked(), small_data(), G=nn.Linear(5, 36))
    with pytest.raises(an.UserError, match="needs condition classes"):
        masked(D=dataclasses.replace(small_settings().D, projection=True))
