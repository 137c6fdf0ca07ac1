"""Few labels (§7): the losses of Salimans et al., their networks, and resuming."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import adversarial_nets as an
from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.baselines.optimisers import minibatch
from adversarial_nets.build import new_game
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import REGISTRY, Dataset
from adversarial_nets.errors import NoClasses, UserError
from adversarial_nets.paper.section7 import features, few_labels
from adversarial_nets.paper.section7.features import discriminator_features
from adversarial_nets.paper.section7.few_labels import FewLabels, Settings
from adversarial_nets.paper.section7.few_labels_study import few_labels_rows
from adversarial_nets.paper.section7.rows import Row
from adversarial_nets.random import Address
from commands import result
from small import normal, small_data, small_labelled_data, small_settings
from spies import Calls

SMALL = Settings(labels=12, hidden=(16, 12), G_hidden=(10, 9), z_size=4, epochs=2, batch=20)


def fit(settings: Settings = SMALL, session: FitSession | None = None) -> FewLabels:
    data = small_labelled_data()
    x, c = data.floats(data.train), data.labels["train"]
    rows = few_labels.choose_labelled(c, settings.labels, 0)
    return few_labels.fit(x[rows], c[rows], x, settings, session)


def test_the_classifiers_loss_is_the_published_one() -> None:
    """With D(x) = Z/(Z+1): CE − ½ [E log D(x) + E log(1 − D(G(z)))]; and its gradient."""
    labelled, x, G_z = (normal(6, 4, step=i).requires_grad_() for i in range(3))
    c = torch.tensor([0, 1, 2, 3, 0, 1])
    Z = [logits.exp().sum(1) for logits in (x, G_z)]
    D = [z / (z + 1) for z in Z]
    cross_entropy = -labelled.softmax(1)[torch.arange(6), c].log().mean()
    by_definition = cross_entropy - (D[0].log().mean() + (1 - D[1]).log().mean()) / 2
    loss = few_labels.classifier_loss(labelled, c, x, G_z)
    assert loss.item() == pytest.approx(by_definition.item(), rel=1e-12)
    for ours, theirs in zip(
        torch.autograd.grad(loss, (labelled, x, G_z)),
        torch.autograd.grad(by_definition, (labelled, x, G_z)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_feature_matching_is_zero_for_equal_means_and_its_gradient_is_right() -> None:
    f, g = normal(5, 3), normal(7, 3, step=1).requires_grad_()
    assert few_labels.generator_loss(f, f.flip(0)).item() == pytest.approx(0, abs=1e-20)
    (gradient,) = torch.autograd.grad(few_labels.generator_loss(f, g), g)
    expected = 2 * (g.mean(0) - f.mean(0)) / 3 / 7
    torch.testing.assert_close(gradient, expected.expand(7, 3), rtol=1e-10, atol=1e-12)


def test_labels_are_balanced_and_another_draw_has_others() -> None:
    labels = torch.arange(90) % 3
    rows = few_labels.choose_labelled(labels, 12, 0)
    assert labels[rows].bincount().tolist() == [4, 4, 4]
    assert len(set(rows.tolist())) == 12
    assert set(rows.tolist()) != set(few_labels.choose_labelled(labels, 12, 1).tolist())
    for count in (10, 0, -12, 93):
        words = "at most 90" if count == 93 else "multiple of 3"
        with pytest.raises(UserError, match=words):
            few_labels.choose_labelled(labels, count, 0)
    with pytest.raises(NoClasses):
        few_labels_rows(small_data(), Path("unused"))
    data = small_labelled_data()
    data.labels["train"][data.labels["train"] == 1] = 2
    with pytest.raises(UserError, match="no training images of class 1"):
        few_labels_rows(data, Path("unused"), labels=3)


def test_every_labelled_image_is_shown_equally_often() -> None:
    seen = torch.zeros(12)
    address = Address(0, 0, range(20))
    for step in range(3):
        rows = few_labels._rows_of_labelled(address, step, 12)
        seen += torch.bincount(rows, minlength=12)
    assert seen.tolist() == [5.0] * 12


def test_initial_units_have_mean_0_and_variance_1_on_data() -> None:
    """Without noise the first layer's values are nearly so; weights' lengths do not matter."""
    data = small_labelled_data()
    x = data.floats(data.train)
    model = few_labels._new_model(x, 3, SMALL)
    _, logits = few_labels._classify(model.D, x)
    assert logits.mean(0).abs().max() < 0.6
    assert 0.3 < logits.std(0).mean() < 1.5
    longer = {n: v * 7 if n.startswith("v") else v for n, v in model.D.items()}
    torch.testing.assert_close(few_labels._classify(longer, x)[1], logits)


def test_G_is_a_network_with_batch_normalisation_and_weight_normalisation() -> None:
    """Equal to torch's layers in float64; the statistics are those of these z."""
    z, v = normal(9, 4).double(), normal(3, 5, step=2).double()
    G = {"W0": normal(4, 3, step=1).double(), "b0": torch.tensor([0.1, -0.2, 0.3]).double()}
    G |= {"v": v, "g": torch.arange(1.0, 6.0).double(), "b": normal(5, 1, step=3)[:, 0].double()}
    normalise = nn.BatchNorm1d(3, eps=1e-6, affine=False, dtype=torch.float64)
    h = nn.functional.softplus(normalise(z @ G["W0"]) + G["b0"])
    expected = (h @ (v / v.norm(dim=0) * G["g"]) + G["b"]).sigmoid()
    torch.testing.assert_close(few_labels._generate(G, z), expected)


def test_noise_of_the_published_size_is_on_x_and_on_each_hidden_layer() -> None:
    """f is the last hidden layer before its own noise."""
    x = torch.full((20_000, 3), 0.7)
    v, b = {"v0": torch.ones(3, 1), "v1": torch.ones(1, 1)}, {"b0": torch.tensor([9.0])}
    D = v | b | {"g0": torch.tensor([2.0]), "g1": torch.tensor([3.0]), "b1": torch.zeros(1)}
    noise = Address(0, 0, range(1)).generator("test")
    f, logits = few_labels._classify(D, x, noise)
    assert f.std().item() == pytest.approx(2 * 0.3, rel=0.03)
    assert logits.std().item() == pytest.approx(3 * (0.6**2 + 0.5**2) ** 0.5, rel=0.03)
    f, logits = few_labels._classify(D | {"g0": torch.zeros(1)}, x, noise)
    assert f.unique().tolist() == [9.0]
    assert logits.std().item() == pytest.approx(3 * 0.5, rel=0.03)
    assert few_labels._classify(D, x)[1].unique().numel() == 1


def test_both_learning_rates_fall_linearly_in_the_last_third(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("parameters", "state", "gradients", "lr", "betas", "eps")
    calls = Calls(monkeypatch, few_labels, "adam_step", *names)
    fit(dataclasses.replace(SMALL, epochs=1, batch=46, lr=0.5))  # 6 updates
    for part, betas in ((calls[::2], (0.5, 0.999)), (calls[1::2], (0.0, 0.99))):
        assert [call["lr"] for call in part] == pytest.approx([0.5] * 5 + [0.25])
        assert {(call["betas"], call["eps"]) for call in part} == {(betas, 1e-4)}


def test_G_matches_features_of_other_images_than_D_has_just_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = []

    def spy(*args: Any) -> Tensor:
        drawn.append(minibatch(*args))
        return drawn[-1]

    monkeypatch.setattr(few_labels, "minibatch", spy)
    fit(dataclasses.replace(SMALL, epochs=1))
    for D_sees, G_matches in zip(drawn[::2], drawn[1::2], strict=True):
        assert D_sees.shape == G_matches.shape
        assert not torch.equal(D_sees.sort(0).values, G_matches.sort(0).values)
    data = small_labelled_data()
    for seen in (drawn[::2], drawn[1::2]):  # each of them sees each image once in an epoch
        assert torch.equal(torch.cat(seen).sort(0).values, data.floats(data.train).sort(0).values)


def test_of_the_scales_only_those_of_the_output_layer_learn() -> None:
    data = small_labelled_data()
    before = few_labels._new_model(data.floats(data.train), 3, SMALL).D
    after = fit(dataclasses.replace(SMALL, epochs=1)).D
    unchanged = {name for name, x in before.items() if torch.equal(x, after[name])}
    assert unchanged == {"g0", "g1"}


def tensors(model: FewLabels) -> dict[str, Tensor]:
    return model.state_dict()


def test_interrupted_and_resumed_is_uninterrupted(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()

    def interrupt(done: int, total: int, loss: float) -> None:
        if done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(SMALL, FitSession(tmp_path, save_every=4, callback=interrupt))
    resumed = tensors(fit(SMALL, FitSession(tmp_path, save_every=4)))
    whole = tensors(fit())
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert any(not torch.equal(whole[n], x) for n, x in tensors(fit(small_seed())).items())


def small_seed() -> Settings:
    return dataclasses.replace(SMALL, seed=1)


def test_without_unlabelled_images_G_does_not_learn() -> None:
    data = small_labelled_data()
    alone = fit(dataclasses.replace(SMALL, unlabelled=False))
    before = few_labels._new_model(data.floats(data.train), 3, SMALL)
    assert all(torch.equal(alone.G[name], x) for name, x in before.G.items())
    assert not torch.equal(alone.D["v0"], before.D["v0"])
    assert not torch.equal(fit().G["W0"], before.G["W0"])


def test_without_unlabelled_images_nothing_depends_on_them() -> None:
    """Not the first scales and biases either."""
    data = small_labelled_data()
    x, c = data.floats(data.train), data.labels["train"]
    rows = few_labels.choose_labelled(c, SMALL.labels, 0)
    settings = dataclasses.replace(SMALL, unlabelled=False)
    alone, others = (
        tensors(few_labels.fit(x[rows], c[rows], images, settings)) for images in (x, 1 - x)
    )
    assert all(torch.equal(alone[name], others[name]) for name in alone)


def test_the_classifier_learns() -> None:
    data = small_labelled_data()
    model = fit(dataclasses.replace(SMALL, labels=120, epochs=10))
    x, c = data.floats(data.test), data.labels["test"]
    assert few_labels.count_errors(model, x, c) < len(c) // 4  # chance: two thirds
    assert few_labels.sample(model, 5).shape == (5, 36)


def test_G_does_not_collapse_on_digits() -> None:
    """After 225 updates D takes no sample for data if G's Adam is as released (D(G(z)) = .001)."""
    data = an.load("mnist-5k")
    x = data.floats(torch.cat([data.train, data.valid]))
    rows = few_labels.choose_labelled(data.labels["train"], 100, 0)
    hidden, G_hidden = (200, 100, 50, 50, 50), (100, 100)
    settings = Settings(hidden=hidden, G_hidden=G_hidden, epochs=5, lr=6e-3)
    model = few_labels.fit(x[rows], data.labels["train"][rows], x, settings)
    G_z = few_labels.sample(model, 200)
    with torch.no_grad():
        _, logits = few_labels._classify(model.D, G_z)
    assert logits.logsumexp(1).sigmoid().mean() > 0.01
    assert G_z.std(0).mean() > 0.3 * x.std(0).mean()


def test_features_are_the_input_of_Ds_output_layer() -> None:
    game = new_game(small_settings(), small_data())
    x = torch.rand(7, 36)
    D = game.D.eval()
    features = discriminator_features(D, x)
    output = [m for m in D.modules() if isinstance(m, torch.nn.Linear)][-1]
    torch.testing.assert_close(output(features), D(x))


def test_with_a_run_features_of_D_and_E_are_classified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dataclasses.replace(small_labelled_data(), name="mnist-5k")
    few_images: Any = dataclasses.replace(REGISTRY["mnist-5k"], loader=lambda request: data)
    monkeypatch.setitem(REGISTRY, "mnist-5k", few_images)
    run, out = str(tmp_path / "run"), ("--out", str(tmp_path / "out"))
    joint = str(tmp_path / "joint")
    for folder, settings in ((run, small_settings()), (joint, small_settings(joint=True))):
        an.train("mnist-5k", settings=settings, run=folder, rounds=2, progress=False)

    def models(folder: str = run) -> list[str]:
        words = ("paper", "section7", "few-labels", folder, "--labels", "60", *out)
        rows = result(capsys, *words)["rows"]
        assert isinstance(rows, list)
        assert all(0 <= row["ours"] < 60 for row in rows)  # %, chance is 67
        return [row["model"].split(" on ")[1].split(",")[0] for row in rows]

    assert models() == ["pixels"] * 2 + ["features of D"] * 2
    result(capsys, "paper", "section7", "inference", run, "--steps", "2", *out)
    both = ["pixels"] * 2 + ["features of D"] * 2 + ["features of E"] * 2
    assert models() == both
    assert models(joint) == both  # the joint game has its own E
    assert main(["paper", "section7", "inference", joint, "--steps", "2", *out]) == 2
    assert "--steps has no effect" in capsys.readouterr().err


def test_only_the_same_draw_seed_and_labels_share_a_training_and_a_name(tmp_path: Path) -> None:
    data = small_labelled_data()

    def rows(draw: int, seed: int, data: Dataset = data) -> list[Row]:
        found, _ = few_labels_rows(data, tmp_path, labels=12, epochs=1, draw=draw, seed=seed)
        return found

    found = [row for draw, seed in ((0, 0), (1, 0), (0, 1)) for row in rows(draw, seed)]
    assert len({row.subject for row in found}) == len(found)
    assert rows(0, 0) == found[:2]  # not trained again: the same seconds, too
    labels = {split: (c + 1) % len(data.class_names) for split, c in data.labels.items()}
    with pytest.raises(UserError, match="another labelling"):
        rows(0, 0, dataclasses.replace(data, labels=labels))


def test_rows_have_the_error_in_percent_and_unlabelled_images_a_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All training and validation images are the unlabelled ones."""
    data = dataclasses.replace(small_labelled_data(classes=4), name="mnist")
    model = few_labels._new_model(data.floats(data.train), 4, SMALL)
    given = []

    def fake(x: Tensor, c: Tensor, unlabelled: Tensor, *rest: Any) -> FewLabels:
        given.append(unlabelled)
        return model

    monkeypatch.setattr(few_labels, "fit", fake)
    monkeypatch.setattr(few_labels, "count_errors", lambda *_: 7)  # of 35 test images
    rows, _ = few_labels_rows(data, tmp_path, labels=20)
    assert [(row.ours, row.published) for row in rows] == [(20.0, "16.77 ± 4.52"), (20.0, None)]
    for unlabelled in given:
        assert torch.equal(unlabelled, data.floats(torch.cat([data.train, data.valid])))
    others, _ = few_labels_rows(dataclasses.replace(data, name="tfd"), tmp_path, labels=20)
    assert {row.published for row in others} == {None}


def test_rare_pixels_do_not_spoil_the_linear_classifier() -> None:
    """A pixel that is black in nearly all labelled images is not enlarged."""
    x, c = normal(200, 5), torch.arange(200) % 2
    x[:, 0] += 3.0 * (c * 2 - 1)
    rare = torch.zeros(200, 40)
    rare[torch.arange(40), torch.arange(40)] = 0.02  # one of the first 40 images each
    test = torch.cat([x, rare.flip(0) + 0.5 * (rare.flip(0) > 0)], 1)
    train = torch.cat([x, rare], 1)[:100]
    assert features._linear(train, c[:100], test[100:], c[100:]) < 0.05
