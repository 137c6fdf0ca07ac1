"""Convolutional networks for images of any shape, augmentation, and how training uses them."""

import dataclasses
import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor, nn

import adversarial_nets as an
from adversarial_nets import augmentation, game, nets
from adversarial_nets.build import new_game
from adversarial_nets.cli.main import main
from adversarial_nets.convolutional import OutputConvolution, discriminator_layers
from adversarial_nets.datasets import Dataset, folder_summary
from adversarial_nets.engine import autograd_updates
from adversarial_nets.errors import UserError
from adversarial_nets.game import play
from adversarial_nets.random import Address
from adversarial_nets.report.commands import train_command
from adversarial_nets.runs.checkpoints import checkpoint_folder, checkpoint_rounds
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.settings import (
    Cadence,
    DiscriminatorSettings,
    GeneratorSettings,
    Settings,
)
from adversarial_nets.training import loop
from adversarial_nets.training.plan import Choices, resolve
from adversarial_nets.training.trend import trend
from shortened import photographs
from small import generator, small_settings

SHAPE = (3, 8, 12)
ADDRESS = Address(3, 7, range(5))


def settings(**changes: Any) -> Settings:
    return small_settings(
        G=GeneratorSettings(
            hidden=(), maps=4, batch_norm=True, init=(0.1,), bias_from_marginals=False
        ),
        D=DiscriminatorSettings(units=(), maps=4, init=(0.1,)),
        optimiser="adam",
        lr=1e-3,
        batch=8,
        **changes,
    )


def images(n: int = 40, shape: tuple[int, int, int] = SHAPE) -> Dataset:
    channels, height, width = shape
    x = torch.randint(0, 256, (n, channels * height * width), generator=generator())
    x = x.to(torch.uint8)
    return Dataset("pictures", x[:-8], x[-8:-4], x[-4:], shape, "made for tests")


@pytest.mark.parametrize(
    "shape",
    [(1, 28, 28), (3, 32, 64), (4, 48, 48), (1, 17, 23), (3, 128, 16), (1, 4, 4), (1, 3, 2)],
)
def test_networks_fit_every_shape(shape: tuple[int, int, int]) -> None:
    s = settings()
    pixels = shape[0] * shape[1] * shape[2]
    G = nets.generator(s.G, 5, pixels, image_shape=shape)
    D = nets.discriminator(s.D, pixels, image_shape=shape)
    x = G(torch.randn(2, 5, generator=generator()))
    assert x.shape == (2, pixels)
    assert (x > 0).all()
    assert (x < 1).all()
    assert D(x).shape == (2, 1)


def test_width_and_depth_follow_from_the_size() -> None:
    G = nets.generator(settings().G, 5, 3 * 64 * 64, image_shape=(3, 64, 64))
    maps = [layer.in_channels for layer in G if isinstance(layer, nn.ConvTranspose2d)]
    assert maps == [64, 32, 16, 8]
    D = nets.discriminator(settings().D, 3 * 64 * 64, image_shape=(3, 64, 64))
    assert [n.out_channels for n in D if isinstance(n, nn.Conv2d)] == [4, 8, 16, 32]


def test_the_output_convolution_is_a_convolution() -> None:
    layer = OutputConvolution(5, 2).double()
    x = torch.randn(3, 5, 7, 4, generator=generator(), dtype=torch.float64, requires_grad=True)
    found, expected = layer(x), nn.functional.conv2d(x, layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(found, expected)
    direction = torch.randn(found.shape, generator=generator(), dtype=torch.float64)
    inputs = [x, *layer.parameters()]
    for a, b in zip(
        torch.autograd.grad((found * direction).sum(), inputs),
        torch.autograd.grad((expected * direction).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_a_logit_depends_on_its_own_image_only() -> None:
    D = nets.discriminator(settings().D, 288, image_shape=SHAPE)
    x = torch.rand(4, 288, generator=generator())
    other = x.clone()
    other[1:] = 0
    torch.testing.assert_close(D(x)[0], D(other)[0])


def test_data_that_are_not_images_are_refused() -> None:
    with pytest.raises(UserError, match=r"G\.maps needs images"):
        nets.generator(settings().G, 5, 10)
    with pytest.raises(UserError, match=r"G\.maps 0"):
        dataclasses.replace(settings(), G=dataclasses.replace(settings().G, hidden=(9,)))


def play_a_run(folder: Path, rounds: int, s: Settings) -> dict[str, Tensor]:
    run = an.train(images(), settings=s, run=folder, rounds=rounds, progress=False)
    found = {w: an.load_generator(run, weights=w)[0].state_dict() for w in ("raw", "averaged")}
    return {f"{w}.{name}": x for w, state in found.items() for name, x in state.items()}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    """With batch normalisation, all penalties, augmentation, flips and spectral normalisation."""
    s = settings(
        r1=0.1, r2=0.1, penalty_sigma=0.05, augment=0.7, flip=True, objective="relativistic"
    )
    s = dataclasses.replace(s, D=dataclasses.replace(s.D, spectral_norm=True))
    whole = play_a_run(tmp_path / "whole", 12, s)  # the average is updated in round 10
    play_a_run(tmp_path / "parts", 3, s)
    parts = play_a_run(tmp_path / "parts", 12, s)
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert any("running_mean" in name for name in whole)


def test_one_update_moves_the_weights_as_plain_pytorch_does() -> None:
    s = settings(protocol="paper", r1=0.5, momentum=0.0, momentum_end=0.0)
    s = dataclasses.replace(s, optimiser="sgd", train_only="D", lr=0.1)
    g = new_game(s, images(), dtype=torch.float64)
    D = nets.discriminator(s.D, 288, image_shape=SHAPE).double()
    D.load_state_dict(g.D.state_dict())
    z, x = game.sample_noise(g, 0, "z for D"), game.sample_data(g, 0).requires_grad_()
    with torch.no_grad():
        G_z = g.G(z)
    a, b = D(x), D(G_z)
    loss = nn.functional.softplus(-a).mean() + nn.functional.softplus(b).mean()
    (slope,) = torch.autograd.grad(a.sum(), x, create_graph=True)
    loss = loss + 0.25 * slope.square().sum(1).mean()
    loss.backward()
    play(g, 1)
    for mine, theirs in zip(g.D.parameters(), D.parameters(), strict=True):
        assert theirs.grad is not None
        torch.testing.assert_close(mine, theirs - 0.1 * theirs.grad, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_one_pass_for_data_and_moved_points_equals_one_for_each(
    protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D computes 2 minibatches in place of 4, of the same total size."""
    s = settings(protocol=protocol, r1=0.1, r2=0.1, penalty_sigma=0.05, augment=0.7)
    ends, passes = [], []
    for rowwise in (autograd_updates._ROWWISE, ()):
        monkeypatch.setattr(autograd_updates, "_ROWWISE", rowwise)
        g = new_game(s, images(), dtype=torch.float64)
        sizes: list[int] = []
        g.D.register_forward_hook(lambda net, inputs, a, sizes=sizes: sizes.append(len(a)))
        play(g, 2)
        ends.append(torch.cat([p.flatten() for net in (g.G, g.D) for p in net.parameters()]))
        passes.append(sizes)
    torch.testing.assert_close(*ends, rtol=1e-8, atol=1e-10)
    assert len(passes[0]) == len(passes[1]) - 2 * 2
    assert sum(passes[0]) == sum(passes[1])


def test_mirroring_twice_is_the_identity() -> None:
    x = torch.rand(5, 288, generator=generator())
    once = augmentation.mirror(x, SHAPE, ADDRESS)
    assert not torch.equal(once, x)
    assert torch.equal(augmentation.mirror(once, SHAPE, ADDRESS), x)


@pytest.mark.parametrize("probability", [0.5, 1.0])
def test_augmentation_is_differentiable_and_affine_in_the_image(probability: float) -> None:
    x = torch.rand(5, 288, dtype=torch.float64, generator=generator())
    y = torch.rand(5, 288, dtype=torch.float64, generator=generator(1))

    def T(x: Tensor) -> Tensor:
        return augmentation.diff_augment(x, SHAPE, ADDRESS, "data", probability)

    torch.testing.assert_close(T((x + y) / 2), (T(x) + T(y)) / 2)
    x = x[:1].repeat(5, 1).requires_grad_()
    scale = torch.ones(5, 1, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: T(v * x)[:, ::37], scale)
    assert not torch.equal(T(x)[0], T(x)[1])


def test_augmentation_of_probability_0_changes_nothing_and_1_everything() -> None:
    x = torch.rand(5, 288, generator=generator())
    assert torch.equal(augmentation.diff_augment(x, SHAPE, ADDRESS, "data", 0.0), x)
    changed = augmentation.diff_augment(x, SHAPE, ADDRESS, "data", 1.0)
    assert (changed != x).any(1).all()
    hidden = (changed.view(5, *SHAPE) == 0.5).all(1).flatten(1).sum(1)
    assert (hidden >= 4 * 6 // 4).all()  # the cutout's corner, at least


def test_rows_of_a_process_are_augmented_as_in_one_process() -> None:
    x = torch.rand(5, 288, generator=generator())
    whole = augmentation.diff_augment(x, SHAPE, ADDRESS, "data", 0.8)
    part = augmentation.diff_augment(x[2:], SHAPE, Address(3, 7, range(2, 5)), "data", 0.8)
    assert torch.equal(whole[2:], part)


def test_a_folder_that_an_earlier_version_trained_continues(tmp_path: Path) -> None:
    """Without --preset a folder gets `pictures`, but an old run of `quickstart` is found."""
    data = f"folder:{photographs(tmp_path / 'photos')}"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        old = ["train", data, "--preset", "quickstart", "--rounds", "1"]
        size = ["--size", "4", "--G.hidden", "4", "--D.units", "3"]
        assert main([*old, *size]) == 0
        (run,) = (tmp_path / "runs").iterdir()
        assert run.name.endswith("-quickstart-0")
        assert main(["train", data, "--rounds", "2"]) == 0
        assert an.open_run(run).settings.size == 4
        assert an.train(data, rounds=3, progress=False).newest_round == 3
        assert [path.name for path in (tmp_path / "runs").iterdir()] == [run.name]


def test_training_a_folder_states_the_time_and_whether_images_were_copied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images are examined only once for the defaults; a folder may have many thousands."""
    data = f"folder:{photographs(tmp_path / 'photos')}"
    summarise = Mock(wraps=folder_summary.summarise)
    monkeypatch.setattr(folder_summary, "summarise", summarise)
    small = ["--size", "8x12", "--G.maps", "4", "--D.maps", "4", "--rounds", "2"]
    assert main(["train", data, "--run", str(tmp_path / "run"), *small]) == 0
    summarise.assert_called_once_with(str(tmp_path / "photos"))
    printed = capsys.readouterr().out
    assert "This will take less than a minute" in printed
    assert "images were copied" in printed or "No sign of copied images" in printed
    assert an.open_run(tmp_path / "run").image_shape == (3, 8, 12)
    assert main(["train", data, "--G.hidden", "9", "--dry-run"]) == 0  # as an older command says
    assert '"preset": "quickstart-2014"' in capsys.readouterr().out
    assert main(["train", data, "--preset", "pictures", "--G.hidden", "9", "--dry-run"]) == 2
    assert "--G.maps 0" in capsys.readouterr().err


def test_a_longer_run_of_pictures_keeps_the_schedule_it_began_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its schedule follows the length, which later commands may change."""

    def stop(*args: object) -> None:
        raise UserError("enough")

    data, run = f"folder:{photographs(tmp_path / 'photos')}", tmp_path / "run"
    command = ["train", data, "--preset", "pictures", "--run", str(run)]
    small = ["--size", "8", "--G.maps", "4", "--D.maps", "4"]
    assert main([*command, *small, "--rounds", "3"]) == 0
    begun = an.open_run(run).settings
    assert begun.lr_hold == 2
    assert "With --epochs" not in capsys.readouterr().out
    with monkeypatch.context() as patch:  # the output before the first round is enough
        patch.setattr("adversarial_nets.cli.train._play", stop)
        assert main([*command[:-1], str(tmp_path / "epochs"), *small, "--epochs", "1"]) == 2
        assert "in its place fits the fall to this length" in capsys.readouterr().out
        assert main([*command, "--rounds", "4"]) == 2
        assert "Unlike its preset, the run has" in capsys.readouterr().out
    assert an.train(data, preset="pictures", run=run, rounds=5, progress=False).settings == begun
    assert max(checkpoint_rounds(run)) == 5
    planned = resolve(Choices(data, run, "pictures", rounds=6, restart=True)).settings
    assert (planned.lr_hold, planned.size) == (4, 32)
    settings = dataclasses.replace(planned, size=8)  # to be quick
    how: dict[str, Any] = {"restart": True, "progress": False}
    new = an.train(data, preset="pictures", settings=settings, run=run, rounds=6, **how)
    assert new.is_preset  # another length alone does not count as a deviation from the preset
    assert "lr_hold" not in train_command(new)
    assert "--rounds 6" in train_command(new)
    found = json.loads((run / "settings.json").read_text("utf-8"))
    found["changed"] = {"lr_hold": [12000, 4], "lr_decay": [1.0004, new.settings.lr_decay]}
    (run / "settings.json").write_text(json.dumps(found), "utf-8")
    assert an.open_run(run).is_preset  # recorded as a change by earlier versions


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_all_checkpoints_are_kept_on_request(tmp_path: Path) -> None:
    for keep, kept in (("newest", [3, 4]), ("all", [1, 2, 3, 4])):
        an.train(
            images(),
            settings=settings(),
            run=tmp_path / keep,
            rounds=4,
            cadence=Cadence(save_every=1, score_every=100),
            keep=keep,  # type: ignore[arg-type]
            progress=False,
        )
        assert sorted(checkpoint_rounds(tmp_path / keep)) == kept


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_best_checkpoint_is_the_one_with_the_nearest_patches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept, and named by the sentence at the end, although Parzen scores rise."""
    checks = {2: (9.0, -50.0), 4: (5.0, -40.0), 6: (7.0, -30.0), 8: (6.0, -20.0)}
    now: list[int] = []
    session = loop.TrainingSession

    def distance(*args: Any) -> dict[str, float]:
        return {"fine": checks[now[-1]][0], "coarse": 0.0}

    monkeypatch.setattr(session, "_patch_distances", distance)

    def log_likelihood(*args: Any, **options: Any) -> torch.Tensor:
        return torch.full((1, 1), checks[now[-1]][1])

    monkeypatch.setattr(loop, "log_likelihood", log_likelihood)
    score = session._score

    def noted(self: loop.TrainingSession) -> dict[str, Any]:
        now.append(self.game.round)
        return score(self)

    monkeypatch.setattr(session, "_score", noted)
    cadence = Cadence(save_every=1, score_every=2)
    for rounds in (4, 8):  # continued after round 4
        an.train(
            images(),
            settings=settings(),
            run=tmp_path / "run",
            rounds=rounds,
            cadence=cadence,
            progress=False,
        )
    best = checkpoint_folder(tmp_path / "run", "best")
    assert best.name == "round-00000004"
    assert "best at round 4" in trend(read_metrics(tmp_path / "run"), "averaged").sentence


def test_images_of_one_pixel_are_too_small() -> None:
    with pytest.raises(UserError, match=r"2×2 pixels or more; these are 1×4"):
        discriminator_layers(8, (3, 1, 4))
    assert discriminator_layers(8, (3, 2, 2))
