"""Inference of z (§7): E learns the inverse of a known G, and z of a sample is found."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import adversarial_nets as an
from adversarial_nets import priors
from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.baselines.run_folder import fit_session
from adversarial_nets.build import new_game
from adversarial_nets.classes import remember_condition
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import UserError
from adversarial_nets.masks import region_mask
from adversarial_nets.paper.section7 import inference
from adversarial_nets.paper.section7.features import features_against_pixels
from adversarial_nets.paper.section7.inference import EncoderSettings
from adversarial_nets.paper.section7.inference_study import (
    InferenceScores,
    _another,
    _measure,
    inference_rows,
)
from adversarial_nets.paper.section7.own_images import read_images
from commands import result
from small import small_data, small_labelled_data, small_settings
from spies import Calls
from test_metrics_docs import check

SMALL = EncoderSettings(hidden=(32,), steps=150, batch=50, lr=1e-2)


def linear_G() -> nn.Linear:
    """G(z) = Q z with orthonormal columns: distances in z and x are the same."""
    G = nn.Linear(5, 36, bias=False)
    with torch.no_grad():
        G.weight.copy_(torch.linalg.qr(torch.randn(36, 5, generator=generator())).Q)
    return G.eval()


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_E_learns_the_inverse_of_G() -> None:
    G, settings = linear_G(), small_settings(prior="gaussian")
    E = inference.fit_encoder(G, settings, 36, dataclasses.replace(SMALL, steps=400))
    z = torch.randn(200, 5, generator=generator())
    with torch.no_grad():
        error = (E(G(z)) - z).square().mean() / z.square().mean()
    assert error < 0.05  # 1 if E knew nothing


def test_the_learning_rate_of_E_falls_linearly_to_0(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(monkeypatch, inference, "minimise", "parameters", "state", "loss", "lr")
    inference.fit_encoder(linear_G(), small_settings(), 36, EncoderSettings((4,), 4, 5, lr=0.4))
    assert calls.of("lr") == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_of_several_encoders_the_one_that_was_trained_longest_is_used(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the one whose folder comes first or last."""
    unordered = Path.glob
    monkeypatch.setattr(Path, "glob", lambda path, name: sorted(unordered(path, name)))
    copy = dataclasses.replace(an.open_run(run), folder=tmp_path)
    assert inference.load_encoder(copy, "raw", 5) is None
    trained = {}
    for steps in (1, 10, 9):
        s = EncoderSettings((4,), steps, batch=10)
        folder = inference.encoder_folder(copy, "raw", 5, s)
        with fit_session(folder, "E", small_data(), dataclasses.asdict(s), "E", None) as session:
            G = nn.Linear(5, copy.pixels)
            trained[steps] = inference.fit_encoder(G, copy.settings, copy.pixels, s, session)
    found = inference.load_encoder(copy, "raw", 5)
    assert found is not None
    for name, x in trained[10].state_dict().items():
        assert torch.equal(found.state_dict()[name], x)


def test_interrupted_and_resumed_is_uninterrupted(tmp_path: Path) -> None:
    G, settings = linear_G(), small_settings()
    (tmp_path / "checkpoints").mkdir()

    class Cut(Exception):
        pass

    def stop(done: int, total: int, loss: float) -> None:
        if done == 70:
            raise Cut

    def fit(session: FitSession | None) -> dict[str, Tensor]:
        return dict(inference.fit_encoder(G, settings, 36, SMALL, session).state_dict())

    with pytest.raises(Cut):
        fit(FitSession(tmp_path, save_every=35, callback=stop))
    resumed, whole = fit(FitSession(tmp_path, save_every=35)), fit(None)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_the_first_z_is_one_that_the_prior_can_draw() -> None:
    """E's output is linear; the search begins at the nearest z in the prior's support."""
    G, settings = linear_G(), small_settings(prior="uniform")
    E = nn.Linear(36, 5)
    nn.init.constant_(E.bias, 3.0)
    x = inference.generate(G, torch.zeros(4, 5)).detach()
    start, _ = inference.starting_points(G, settings, x, E)
    assert start.abs().max() <= 3**0.5 + 1e-6
    found = inference.optimise_z(G, settings, x, start, steps=3)
    distance = [inference.distances(G, x, z, None) for z in (found, start)]
    assert (distance[0] <= distance[1]).all()


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("shape", "z_shape", "says"),
    [
        ((4, 36), (4, 6), r"start has shape \(4, 6\).*= \(4, 5\)"),
        ((4, 36), (3, 5), r"start has shape \(3, 5\).*= \(4, 5\)"),
        ((4, 36), (5,), r"start has shape \(5,\)"),
        ((4, 1, 6, 6), (4, 5), r"shape \(4, 1, 6, 6\).*x\.flatten\(1\)"),
        ((36,), (1, 5), r"shape \(36,\); they must be floats of shape \(n, 36\)"),
    ],
)
def test_images_and_z_of_other_shapes_are_refused(
    shape: tuple[int, ...], z_shape: tuple[int, ...], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        inference.optimise_z(
            linear_G(), small_settings(), torch.zeros(shape), torch.zeros(z_shape), steps=1
        )


@pytest.mark.usefixtures("_as_users_run_it")
def test_images_on_another_scale_are_refused() -> None:
    G, settings = nn.Sequential(linear_G(), nn.Sigmoid()), small_settings()
    x = 238 * torch.eye(36)[:4]
    with pytest.raises(UserError, match=r"up to 238, but G's are from 0 to 1.*by 255"):
        inference.starting_points(G, settings, x)
    with pytest.raises(UserError, match=r"torch.uint8.*data\.floats\(images\)"):
        inference.optimise_z(G, settings, x.byte(), torch.zeros(4, 5))


@pytest.mark.parametrize("prior", list(priors.PRIORS))
def test_the_z_of_a_sample_is_found(prior: str) -> None:
    """For G(z) = Qz the squared distance is ‖z − z*‖²: the minimum is z*, if p_z can draw it."""
    G, settings = linear_G(), small_settings(prior=prior)
    start = inference.into_support(torch.full((4, 5), 0.3), settings)
    wanted = inference.into_support(torch.randn(4, 5, generator=generator()), settings)
    x = inference.generate(G, wanted).detach()
    found = inference.optimise_z(G, settings, x, start, steps=300)
    torch.testing.assert_close(found, wanted, atol=0.02, rtol=0)
    kept = inference.optimise_z(G, settings, x, wanted, steps=1)
    torch.testing.assert_close(kept, wanted, atol=1e-5, rtol=0)  # it is the best already
    outside = inference.optimise_z(G, settings, 100 * x, start, steps=50)
    if prior == "uniform":
        assert outside.abs().max() <= 3**0.5 + 1e-6
    if prior == "spherical":
        torch.testing.assert_close(outside.norm(dim=1), torch.full((4,), 5**0.5))


def test_the_class_of_a_sample_is_found() -> None:
    settings = small_settings(condition="classes")
    G = new_game(settings, small_labelled_data()).G.eval()
    z, c = torch.randn(9, 5, generator=generator()), torch.arange(9) % 3
    x = inference.generate(G, z, c).detach()
    found = inference.nearest_class(G, x, z)
    assert found is not None
    assert torch.equal(found, c)
    assert inference.distances(G, x, z, c).max() < 1e-5
    start, of = inference.starting_points(G, settings, x)
    assert start.shape == (9, 5)
    assert of is not None
    assert inference.distances(G, x, start, of).mean() < inference.distances(G, x, -z, of).mean()
    known = region_mask("left", (1, 6, 6)).expand_as(x)
    changed = known * x + (1 - known) * 7  # hidden pixels do not count
    seen, other = (inference.starting_points(G, settings, y, known=known) for y in (x, changed))
    assert torch.equal(seen[0], other[0])
    assert not torch.equal(seen[0], start)


def test_published_numbers_are_those_of_the_same_kind_of_E() -> None:
    scores = InferenceScores(1, "raw", 0.9, 0.9, 1.0, 2.0, 0.5, 1.0)
    for joint, expected in ((True, {"97.39", "0.62"}), (False, {"97.44"})):
        rows = inference_rows(scores, "E", "mnist", joint)
        assert {row.published for row in rows} - {None} == expected
        assert all("hidden" not in row.measure for row in rows)
    with_hidden = inference_rows(dataclasses.replace(scores, hidden_accuracy=0.25), "E", "mnist")
    assert [row.ours for row in with_hidden if "hidden" in row.measure] == [25]


def test_no_image_is_its_own_wrong_partner() -> None:
    assert not (_another(50, 0) == torch.arange(50)).any()
    assert sorted(_another(50, 0).tolist()) == list(range(50))


@pytest.mark.parametrize("conditional", [False, True])
def test_the_distance_to_a_wrong_partner_is_that_to_another_image(conditional: bool) -> None:
    """Six images, a pixel each: any two of them have the distance √2.

    G(z) = z with E(x) = x; or G(z, c) is the image of class c, and each image is a class.
    """
    eye = torch.eye(6)
    images = (255 * eye).to(torch.uint8)
    labels = {split: torch.arange(6) for split in ("train", "valid", "test")}
    data = Dataset("ones", images, images, images, (1, 2, 3), "made for tests", labels=labels)
    G = nn.Linear(7 if conditional else 6, 6, bias=False)
    E = nn.Linear(6, 1 if conditional else 6, bias=False)
    with torch.no_grad():
        G.weight.copy_(torch.cat([torch.zeros(6, 1), eye], 1) if conditional else eye)
        E.weight.copy_(torch.ones(1, 6) if conditional else eye)
    if conditional:
        remember_condition(
            G, small_settings(condition="classes"), dict.fromkeys("abcdef", 1), data.pixels
        )
    found = _measure(G, E, data, 0, 5, "raw", 1.0)
    assert found.distance == 0
    assert found.wrong_partner == pytest.approx(2**0.5)
    assert found.pixel_accuracy == 1


def test_own_images_are_read_as_the_runs_images_were(run: Path, tmp_path: Path) -> None:
    """On the run's background, and inverted in their colours alone."""
    values = np.zeros((8, 8, 4), np.uint8)
    values[:4] = 255  # above white and opaque, below transparent
    Image.fromarray(values).save(tmp_path / "logo.png")
    opened = an.open_run(run)
    found = {}
    for background, channels in ((None, 1), ("black", 1), (None, 4)):
        settings = dataclasses.replace(opened.settings, background=background)
        like = dataclasses.replace(opened, image_shape=(channels, 8, 8), settings=settings)
        for invert in (False, True):
            x = read_images(like, [tmp_path / "logo.png"], invert=invert)
            found[background, channels, invert] = x.view(channels, 2, 32)[:, :, 0]
    assert found[None, 1, False].tolist() == [[1, 1]]
    assert found["black", 1, False].tolist() == [[1, 0]]
    assert found["black", 1, True].tolist() == [[0, 1]]
    assert found[None, 4, False][3].tolist() == found[None, 4, True][3].tolist() == [1, 0]
    assert found[None, 4, True][:3, 0].tolist() == [0, 0, 0]


# --- Commands -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "digits"
    an.train("mnist-5k", settings=small_settings(), run=folder, rounds=5, progress=False)
    return folder


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("images") / "seven.png"
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(path)
    return path


def test_project_and_inference(
    run: Path,
    image: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("project", str(run), str(image), str(image), "--steps", "20")
    found = result(capsys, *words)
    check(found, "project --json")
    assert found["start"] == "random z"
    for row in found["images"]:  # type: ignore[attr-defined]
        assert row["distance"] <= row["start"]
    with Image.open(run / "projection.png") as picture:
        assert picture.height > picture.width  # two columns, three rows
    scores = result(capsys, "paper", "section7", "inference", str(run), "--steps", "3")
    check(scores, "paper section7 --json")
    assert result(capsys, *words)["start"] == "E"
    settings = next(run.rglob("inference/*/settings.json"))
    finished = settings.read_text()
    settings.write_text(finished.replace('"steps": 3', '"steps": 4'))  # as if it was interrupted
    assert result(capsys, *words)["start"] == "random z"
    settings.write_text(finished)
    errors = features_against_pixels(run, an.load("mnist-5k"), labels=20)
    assert [e.features for e in errors] == ["pixels", "features of D", "features of E"]
    assert errors[0].nearest < 0.6  # chance: .9


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("project RUN", "IMAGE is missing"),
        ("project RUN missing.png", "missing.png cannot be read"),
        ("project RUN TALL", "is 20×30 pixels; the run's images are 28×28"),
        ("project RUN IMAGE --class 3", "has no classes"),
        ("paper section7 inference", "needs one finished run"),
        ("paper section7 inference a b", "2 runs are given; inference needs one finished run"),
    ],
)
def test_mistakes(
    line: str,
    words: str,
    run: Path,
    image: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tall = tmp_path / "tall.png"
    Image.fromarray(np.zeros((30, 20), np.uint8)).save(tall)
    names = {"RUN": run, "TALL": tall, "IMAGE": image}
    assert main([str(names.get(word, word)) for word in line.split()]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
