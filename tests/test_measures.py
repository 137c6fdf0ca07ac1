"""Feature metrics: analytic values, and the effect of collapse, copying and shuffling."""

import dataclasses
import hashlib
import importlib
import inspect
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from adversarial_nets.cli.main import main
from adversarial_nets.datasets import Dataset, load
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import (
    compare_features,
    features,
    measure,
    measure_images,
    measures,
)
from adversarial_nets.evaluation import inception as inception_module
from adversarial_nets.evaluation.feature_kinds import (
    FEATURES,
    FeatureKind,
    ImageFeatures,
    of_network,
)
from adversarial_nets.evaluation.features import classifier
from adversarial_nets.evaluation.inception import FILE, inception
from adversarial_nets.evaluation.measures import (
    compare_each,
    frechet_distance,
    kernel_distance,
    random_rows,
)
from adversarial_nets.game import sample
from adversarial_nets.random import Address, permutation
from adversarial_nets.runs import game_state
from adversarial_nets.training.session import train
from small import small_data, small_settings


def normal(n: int, d: int = 4, purpose: str = "real") -> Tensor:
    return Address(0, 0, range(n)).normal(purpose, d).double()


def test_frechet_distance_of_gaussians() -> None:
    """For diagonal Gaussians: ‖μ − μ'‖² + Σ (σ − σ')²."""
    real, other = normal(20_000), normal(20_000, purpose="other")
    moved = other * torch.tensor([1.0, 2.0, 0.5, 1.0]) + torch.tensor([0.0, 0.0, 0.0, 3.0])
    assert frechet_distance(real, moved) == pytest.approx(9 + 1 + 0.25, rel=0.02)
    assert frechet_distance(real, other) == pytest.approx(0, abs=0.003)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-6)


def test_kernel_distance_is_the_unbiased_sum_over_pairs() -> None:
    x, y = normal(7), normal(5, purpose="other") + 1

    def k(a: Tensor, b: Tensor) -> float:
        return (float(a @ b) / 4 + 1) ** 3

    xx = [k(x[i], x[j]) for i in range(7) for j in range(7) if i != j]
    yy = [k(y[i], y[j]) for i in range(5) for j in range(5) if i != j]
    xy = [k(a, b) for a in x for b in y]
    expected = sum(xx) / len(xx) + sum(yy) / len(yy) - 2 * sum(xy) / len(xy)
    assert kernel_distance(x, y) == pytest.approx(expected, rel=1e-10)
    draws = [
        kernel_distance(normal(50, purpose=f"a{i}"), normal(50, purpose=f"b{i}")) for i in range(40)
    ]
    spread = torch.tensor(draws)
    assert abs(spread.mean()) < 3 * spread.std() / math.sqrt(40)  # 0 on average


def test_precision_and_recall_on_a_line() -> None:
    """Real images at 0, 1, 2, 3 with k = 1: each neighbourhood has radius 1."""
    real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    samples = torch.tensor([[0.5], [0.6], [10.0], [10.5]])  # radii .1, .1, .5, .5
    found = compare_features(real, samples, k=1)
    assert found.precision == 0.5
    assert found.recall == 0.0  # no real image is within .1 of .5 or .6, nor within .5 of 10
    assert found.density == (2 + 2) / 4
    assert found.coverage == 0.5  # those at 0 and 1


def test_the_radii_of_the_real_images_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real, a, b = normal(60), normal(60, purpose="a"), normal(60, purpose="b")
    separately = [compare_features(real, a), compare_features(real, b)]
    seen, radii = [], measures._radii

    def counted(x: Tensor, k: int) -> Tensor:
        seen.append(x)
        return radii(x, k)

    monkeypatch.setattr(measures, "_radii", counted)
    assert compare_each(real, [a, b]) == separately
    assert [sum(torch.equal(x, y) for y in seen) for x in (real, a, b)] == [1, 1, 1]


def test_collapse_is_detected() -> None:
    real = normal(600)
    collapsed = real[:1] + 0.01 * normal(600, purpose="other")
    found = compare_features(real, collapsed)
    fair = compare_features(real, normal(600, purpose="fair"))
    assert found.recall < 0.05 < 0.7 < fair.recall
    assert found.coverage < 0.05 < 0.9 < fair.coverage
    assert found.frechet > 100 * fair.frechet
    assert found.kernel > 20 * abs(fair.kernel)
    assert found.precision > 0.9  # precision alone does not detect it


def test_copies_have_perfect_metrics() -> None:
    """Feature metrics cannot detect copies; nearest neighbours (Figure 2) can."""
    real = normal(300)
    found = compare_features(real, real.clone())
    assert found.frechet == pytest.approx(0, abs=1e-6)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert found.kernel < 0  # unbiased, and lower than for independent samples


def test_the_order_does_not_matter() -> None:
    real, samples = normal(300), normal(300, purpose="other") + 0.3
    order = torch.randperm(300, generator=torch.Generator().manual_seed(0))
    a, b = compare_features(real, samples), compare_features(real[order], samples[order.flip(0)])
    for name, value in dataclasses.asdict(a).items():
        assert dataclasses.asdict(b)[name] == pytest.approx(value, rel=1e-9), name


def test_shuffled_features_are_detected() -> None:
    """Each feature has the right distribution, but not the joint distribution."""
    one = normal(600, d=1)
    real = torch.cat([one, one + 0.05 * normal(600, d=1, purpose="noise")], 1)
    shuffled = torch.stack([real[:, 0], real[:, 1].flip(0)], 1)
    found = compare_features(real, shuffled)
    assert found.precision < 0.5
    assert found.frechet > 0.3


@pytest.mark.parametrize(
    ("real", "samples", "words"),
    [
        (normal(5), normal(50), "5 real images"),
        (normal(50), normal(3), "3 samples"),
        (normal(50), normal(50) * math.nan, "NaN"),
        (normal(50), normal(50, d=3), "same network"),
        (normal(50), normal(50)[:, 0], "same network"),
        (normal(50)[:, 0], normal(50)[:, 0], "same network"),
    ],
    ids=range(6),
)
def test_refusals(real: Tensor, samples: Tensor, words: str) -> None:
    for f in (compare_features, frechet_distance, kernel_distance):
        if (
            len(samples) > 1
            and len(real) > 1
            and (len(real) == len(samples) or f is compare_features)
        ):
            with pytest.raises(UserError, match=words):
                inspect.unwrap(f)(real, samples)  # without the type checks of the tests


@pytest.mark.parametrize("f", [frechet_distance, kernel_distance])
def test_a_distance_needs_two_images(f: Callable[[Tensor, Tensor], float]) -> None:
    with pytest.raises(UserError, match="There are 1 samples"):
        f(normal(5), normal(1))


def test_equal_images_have_no_negative_frechet_distance() -> None:
    x = torch.ones(40, 3)
    assert 0 <= frechet_distance(x, x) < 1e-8


def test_k_below_1_is_refused() -> None:
    with pytest.raises(UserError, match="k is 0"):
        compare_features(normal(50), normal(50), k=0)


@pytest.fixture
def _quick_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "STEPS", 150)


def labelled() -> Dataset:
    """Bright rows are one class, bright columns the other."""
    data = small_data(700, side=8)
    classes = (torch.arange(700) % 16 >= 8).long()
    parts = classes.split([560, 70, 70])
    return dataclasses.replace(
        data,
        image_shape=(1, 8, 8),
        labels=dict(zip(("train", "valid", "test"), parts, strict=True)),
    )


@pytest.mark.usefixtures("_quick_classifier")
def test_classifier_is_accurate_and_deterministic() -> None:
    data = labelled()
    first = classifier(data)
    assert first.accuracy > 0.97
    again = classifier(data)  # from the cache
    x = data.floats(data.test)
    assert torch.equal(first.features(x), again.features(x))
    assert first.features(data.floats(data.train[:1000])).square().mean().item() == pytest.approx(1)
    assert (first.classes(x) == data.labels["test"]).double().mean() == first.accuracy
    with pytest.raises(UserError, match="has no class labels"):
        classifier(small_data())


@pytest.mark.slow
def test_accuracy_of_mnists_classifier(data_folder: Path) -> None:
    """98.5 % of MNIST's test images."""
    assert 0.98 <= classifier(load("mnist")).accuracy <= 0.99


@pytest.mark.usefixtures("_quick_classifier")
def test_a_run_is_measured_together_with_training_images(tmp_path: Path) -> None:
    data = labelled()
    run = train(data, settings=small_settings(), run=tmp_path / "run", rounds=5)
    found = measure(run, data)
    assert (found.samples, found.round) == (70, 5)
    assert sum(found.classes or ()) == pytest.approx(1)
    net = classifier(data)
    correct = net.classes(data.floats(data.test)) == data.labels["test"]
    assert found.accuracy == correct.double().mean()
    # The floor uses training images in a seeded order, not test images.
    order = permutation(run.settings.seed, "measures' floor", 0, len(data.train))[:70]
    real, training = (net.features(data.floats(x)) for x in (data.test, data.train[order]))
    real = real[random_rows(70, 70, "test images")]  # in the order in which they were summed
    assert found.floor == compare_features(real, training)
    assert found.floor.frechet < found.model.frechet
    assert found.model.coverage < found.floor.coverage


@pytest.mark.usefixtures("_quick_classifier")
def test_the_order_of_the_test_images_does_not_bias_the_measures(tmp_path: Path) -> None:
    """As in MNIST, whose first 5,000 test images are of other writers than its last."""
    data = small_data(700, side=8)
    dark, bright = data.train, 255 - data.train
    x = torch.cat([dark[:70], bright[:70]])
    labels = {"train": torch.arange(980) % 2, "test": torch.arange(140) % 2}
    data = dataclasses.replace(
        data, train=torch.cat([dark[70:], bright[70:]]), test=x, labels=labels
    )
    run = train(data, settings=small_settings(), run=tmp_path / "run", rounds=1)
    half = measure(run, data, samples=70)
    net = classifier(data)
    first, training = net.features(data.floats(x[:70])), net.features(data.floats(x))
    assert half.floor.frechet < 0.3 * compare_features(first, training).frechet


@pytest.mark.usefixtures("_quick_classifier")
def test_classes_that_only_test_images_have_and_images_without_a_class(tmp_path: Path) -> None:
    data = labelled()
    test = data.labels["test"].clone()
    test[:3] = 2
    data = dataclasses.replace(data, labels={**data.labels, "test": test})
    run = train(data, settings=small_settings(), run=tmp_path / "run", rounds=1)
    assert len(measure(run, data).classes or ()) == len(data.class_names) == 3
    none = {split: labels.clone() for split, labels in data.labels.items()}
    none["train"][:50] = none["test"][:3] = -1
    without = dataclasses.replace(data, labels=none)
    assert classifier(without).accuracy > 0.97
    for split in ("train", "test"):
        none[split][:] = -1
    with pytest.raises(UserError, match="has no class labels"):
        classifier(dataclasses.replace(data, labels=none))


def test_classifiers_of_contrast_normalised_images_are_cached_apart() -> None:
    data = labelled()
    normalised = dataclasses.replace(data, contrast_norm=55.0, range=(-55.0, 55.0))
    assert features._cache_file(data) != features._cache_file(normalised)


@pytest.mark.usefixtures("_quick_classifier")
def test_a_generator_in_float64_is_measured(tmp_path: Path) -> None:
    G = nn.Sequential(nn.Linear(5, 64), nn.Sigmoid())
    data = labelled()
    run = train(data, settings=small_settings(), run=tmp_path / "run", rounds=1, G=G)
    G = nn.Sequential(nn.Linear(5, 64), nn.Sigmoid()).double()
    assert measure(run, data, G=G).samples == 70


class Net(nn.Module):
    """Replaces torch-fidelity's network: one feature per channel, its mean."""

    def __init__(self, name: str, layers: list[str], path: str) -> None:
        super().__init__()
        self.layers, self.path = layers, path

    def forward(self, x: Tensor) -> tuple[Tensor]:
        assert x.dtype == torch.uint8
        assert x.shape[1] == 3
        return (x.float().mean((2, 3)).unsqueeze(-1).unsqueeze(-1),)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small file in place of Inception's weights, with its checksum."""
    importlib.import_module("torchmetrics.image.fid")  # it looks for torch_fidelity when imported
    module = ModuleType("torch_fidelity.feature_extractor_inceptionv3")
    monkeypatch.setattr(module, "FeatureExtractorInceptionV3", Net, raising=False)
    for name in ("torch_fidelity", module.__name__):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    path = tmp_path / "inception" / FILE
    path.parent.mkdir()
    path.write_bytes(b"weights")
    monkeypatch.setattr(inception_module, "SHA256", hashlib.sha256(b"weights").hexdigest())
    return path


@pytest.mark.usefixtures("weights")
def test_inception_receives_images_as_pixels() -> None:
    data = small_data()
    x = data.floats(data.test)
    features = inception(data)(x)
    assert features.shape == (len(x), 3)  # grey is given as three equal channels
    torch.testing.assert_close(features[:, 0], data.test.float().mean(1), atol=0.5, rtol=0)
    colour = dataclasses.replace(data, image_shape=(3, 3, 4), range=(-1.0, 1.0))
    x = x - 0.5
    torch.testing.assert_close(inception(colour)(x), inception(colour)(3 * x))  # stretched


@pytest.mark.usefixtures("weights")
def test_a_run_is_measured_on_inceptions_features(tmp_path: Path) -> None:
    data = small_data()  # without classes
    run = train(data, settings=small_settings(), run=tmp_path / "run", rounds=5)
    found = measure(run, data, features="inception")
    assert (found.features, found.accuracy, found.classes) == ("inception", None, None)
    assert found.floor.frechet < found.model.frechet


def test_a_run_is_measured_on_features_of_your_own(tmp_path: Path) -> None:
    """They are compared as those of a classifier are."""
    data = small_data()  # without classes
    run = train(data, settings=small_settings(), run=tmp_path / "run", rounds=5)

    def halves(x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(1, (2, 18)).mean(2)

    found = measure(run, data, features=halves)
    assert (found.features, found.accuracy, found.classes) == ("halves", None, None)
    n = found.samples
    real = data.floats(data.test[random_rows(n, len(data.test), "test images")])
    G, _ = game_state.load_generator(run, "last", found.weights)
    samples = sample(G, run.settings, n, "samples to score")
    assert found.model == compare_features(halves(real), halves(samples))
    net = nn.Linear(36, 3).double()
    assert measure(run, data, features=lambda x: net(x.double())).features == "<lambda>"


@pytest.mark.usefixtures("weights")
def test_images_of_any_origin_are_measured_on_inceptions_features() -> None:
    data = small_data()
    found = measure_images(data.floats(data.train[:40]), data, "inception")
    assert (found.features, found.accuracy, found.samples) == ("inception", None, 40)
    assert math.isfinite(found.model.frechet)


def test_features_are_added_in_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its name works in Python and in the command, for a run and for images of any origin."""
    data = small_data(60, side=14)
    run = train(data, settings=small_settings(), run=tmp_path / "run", rounds=2, progress=False)
    kind = FeatureKind("the means of rows", lambda data, on_progress: rows)
    rows = ImageFeatures("rows", lambda x: x.unflatten(1, (14, 14)).mean(2), compare_each)
    monkeypatch.setitem(FEATURES, "rows", kind)
    monkeypatch.setattr("adversarial_nets.evaluation.score.load_data", lambda *a: data)
    found = measure(run, data, features="rows")
    capsys.readouterr()
    assert main(["measure", str(run.folder), "--features", "rows", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == dataclasses.asdict(found.model)
    assert measure_images(data.floats(data.train[:6]), data, "rows").features == "rows"


def test_a_network_among_the_features_is_called_without_gradients() -> None:
    """Otherwise the graph of all images would stay in memory."""
    of = of_network("own", lambda x: torch.full((len(x), 1), torch.is_grad_enabled())).of
    assert not of(torch.rand(5, 36)).any()
    with pytest.raises(UserError, match=r"features own returned shape \(36,\) for 5 images"):
        of_network("own", lambda x: x.mean(0)).of(torch.rand(5, 36))


def test_a_run_without_classes_is_measured_by_patches_in_python_as_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small_data(60, side=14)
    run = train(data, settings=small_settings(), run=tmp_path / "run", rounds=2, progress=False)
    found = measure(run, data)
    assert (found.features, found.samples, found.classes) == ("patches", 12, None)
    monkeypatch.setattr("adversarial_nets.evaluation.score.load_data", lambda *a: data)
    capsys.readouterr()
    assert main(["measure", str(run.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(dataclasses.asdict(found)))


@pytest.mark.usefixtures("_as_users_run_it")
def test_functions_that_do_not_return_features_are_refused(tmp_path: Path) -> None:
    data = small_data()
    run = train(data, settings=small_settings(), run=tmp_path / "run", rounds=1)
    with pytest.raises(UserError, match="no kind of features named 'inceptoin'"):
        measure(run, data, features="inceptoin")
    with pytest.raises(UserError, match=r"returned shape \(36,\) for 35 images"):
        measure(run, data, features=lambda x: x.mean(0))


@pytest.mark.usefixtures("_quick_classifier")
def test_your_own_networks_are_measured_if_passed(tmp_path: Path) -> None:
    G = nn.Sequential(nn.Linear(5, 64), nn.Sigmoid())
    data = labelled()
    run = train(data, settings=small_settings(), run=tmp_path / "run", rounds=1, G=G)
    with pytest.raises(UserError, match="G="):
        measure(run, data)
    with pytest.raises(UserError, match="There are 5 samples"):
        measure(run, data, G=G, samples=5)


def test_other_weights_are_not_opened(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.write_bytes(b"pickled surprise")
    with pytest.raises(UserError, match="does not hold Inception's weights"):
        inception(small_data())
    weights.unlink()
    monkeypatch.setattr(inception_module, "URLS", ("http://127.0.0.1:9/nothing",))
    with pytest.raises(UserError, match=f"put it at ADVNETS_DATA/inception/{FILE}"):
        inception(small_data())


def test_inception_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(UserError, match=r'pip install "adversarial-nets\[photographs\]"'):
        inception(small_data())
