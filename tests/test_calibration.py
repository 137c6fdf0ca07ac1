"""Calibration rows, k-means, the cache of centroids, nearest images, published scores."""

import dataclasses
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from adversarial_nets import datasets
from adversarial_nets.datasets import Dataset, Fold, arrays
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import (
    GRIDS,
    PUBLISHED,
    calibrate,
    features,
    nearest_images,
    parzen_score,
    parzen_score_on,
)
from adversarial_nets.evaluation.calibration import CalibrationRow, k_means
from adversarial_nets.evaluation.features import classifier
from adversarial_nets.report import write_report
from adversarial_nets.training.session import train
from small import small_data, small_labelled_data, small_settings


def data_set(seed: int = 0, n: int = 60) -> Dataset:
    """Images of 4 pixels in five clusters."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randint(40, 216, (5, 4), generator=generator)
    noise = torch.randint(-40, 40, (n + 40, 4), generator=generator)
    images = (centres[torch.arange(n + 40) % 5] + noise).to(torch.uint8)
    return Dataset("small", images[:n], images[n : n + 20], images[n + 20 :], (1, 2, 2), "made up")


def by_name(rows: list[CalibrationRow]) -> dict[str, CalibrationRow]:
    return {row.name: row for row in rows}


# --- The rows -----------------------------------------------------------------------------------


def test_rows_and_counts() -> None:
    rows = calibrate(data_set())
    assert [row.name for row in rows] == ["training images", "k-means", "mean image"]
    assert [row.samples for row in rows] == [60, 12, 1]
    assert [row.note.split()[0] for row in rows] == ["60", "12", "1"]
    assert [row.samples for row in calibrate(data_set(), samples=7)] == [7, 7, 1]
    assert [row.samples for row in calibrate(data_set(n=3))] == [3, 1, 1]


def test_rows_are_scored_by_the_protocol_of_a_model() -> None:
    data = data_set()
    rows = by_name(calibrate(data, "fine"))
    valid, test = data.floats(data.valid), data.floats(data.test)
    everything = parzen_score(data.floats(data.train), valid, test, "fine")
    assert rows["training images"].score.nats == pytest.approx(everything.nats, abs=1e-4)
    mean = data.floats(data.train).mean(0, keepdim=True)
    of_mean = parzen_score(mean, valid, test, "fine")
    assert rows["mean image"].score.nats == pytest.approx(of_mean.nats, abs=1e-4)
    assert rows["mean image"].score.sigma == of_mean.sigma


def test_the_seed_chooses_the_images() -> None:
    first, again, other = (calibrate(data_set(), seed=seed, samples=9) for seed in (0, 0, 1))
    assert first == again
    assert first[0].score != other[0].score
    assert first[1].score != other[1].score


def test_progress_names_the_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVNETS_CACHE", str(tmp_path))  # no centroids are there
    seen: list[tuple[str, int, int | None]] = []
    calibrate(data_set(), on_progress=lambda *step: seen.append(step))
    assert seen[0] == ("k-means: pass 1 of 2", 60, 60)
    assert seen[-1] == ("mean image: test", 1, 1)
    assert ("training images: validation", 60, 60) in seen


@pytest.fixture
def _doubles() -> Iterator[None]:
    """New tensors are float64, as torch.set_default_dtype can say."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("_doubles")
def test_the_default_dtype_changes_no_score_and_breaks_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "STEPS", 5)
    doubles = calibrate(data_set(), cache=tmp_path / "a")
    torch.set_default_dtype(torch.float32)
    assert calibrate(data_set(), cache=tmp_path / "b") == doubles
    torch.set_default_dtype(torch.float64)
    data = small_labelled_data()
    assert classifier(data).features(data.floats(data.test)).dtype == torch.float32
    settings = small_settings(G=dataclasses.replace(small_settings().G, batch_norm=True))
    run = train(data, settings=settings, run=tmp_path / "run", rounds=4, progress=False)
    assert write_report(run, data).exists()


def test_no_samples_asked_for() -> None:
    with pytest.raises(UserError, match="samples is 0; it must be 1 or more"):
        calibrate(data_set(), samples=0)


def test_calibration_of_mnist(data_folder: Path) -> None:
    """1,000 centroids score higher than 1,000 training images."""
    rows = by_name(calibrate(datasets.load("mnist"), samples=1_000))
    assert rows["k-means"].score.nats > rows["training images"].score.nats + 20
    mean = rows["mean image"].score
    assert mean.nats == pytest.approx(-59.1, abs=0.05)
    assert mean.sigma == GRIDS["paper"][4] == pytest.approx(0.278, abs=5e-4)


# --- k-means ------------------------------------------------------------------------------------


def floats(images: Tensor) -> Tensor:
    return images.float() / 255


def inertia(images: Tensor, centroids: Tensor) -> float:
    return float(torch.cdist(floats(images), centroids).amin(1).square().sum())


def test_each_pass_lowers_the_inertia_until_it_converges() -> None:
    images = data_set(n=1500).train
    start = floats(images[:30])
    after = [inertia(images, k_means(images, start, floats, p)) for p in range(5)]
    assert all(later < earlier for earlier, later in pairwise(after))
    converged = k_means(images, start, floats, 1000)
    torch.testing.assert_close(k_means(images, converged, floats, 1), converged)


def test_one_pass_is_the_mean_of_the_nearest() -> None:
    """With more images and centroids than fit in one chunk."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2300, 5), generator=generator).to(torch.uint8)
    start = torch.rand(1200, 5, generator=generator)
    labels = torch.cdist(floats(images), start).argmin(1)
    moved = k_means(images, start, floats, 1)
    for j in range(1200):
        mine = floats(images[labels == j])
        torch.testing.assert_close(moved[j], mine.mean(0) if len(mine) else start[j])


def test_an_empty_centroid_stays() -> None:
    images = torch.tensor([[0], [10]], dtype=torch.uint8)
    start = torch.tensor([[0.0], [9.0]])
    assert torch.equal(k_means(images, start, floats, 3)[1], start[1])


# --- The cache ----------------------------------------------------------------------------------


def k_means_row(data: Dataset, cache: Path | None) -> CalibrationRow:
    return by_name(calibrate(data, cache=cache))["k-means"]


def test_centroids_are_kept(tmp_path: Path) -> None:
    first = k_means_row(data_set(), tmp_path)
    (file,) = tmp_path.rglob("*.*")
    assert k_means_row(data_set(), tmp_path) == first
    safetensors.torch.save_file({"centroids": torch.zeros(12, 4)}, file)
    assert k_means_row(data_set(), tmp_path) != first  # so the file was used


def test_other_images_or_seeds_have_their_own_file(tmp_path: Path) -> None:
    k_means_row(data_set(), tmp_path)
    k_means_row(data_set(seed=1), tmp_path)
    calibrate(data_set(), seed=1, cache=tmp_path)
    calibrate(data_set(), samples=5, cache=tmp_path)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 4


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"<html>not centroids</html>",
        safetensors.torch.save({"other": torch.zeros(12, 4)}),
        safetensors.torch.save({"centroids": torch.zeros(3, 4)}),
        safetensors.torch.save({"centroids": torch.full((12, 4), torch.nan)}),
    ],
)
def test_a_damaged_file_is_computed_again(tmp_path: Path, damaged: bytes) -> None:
    row = k_means_row(data_set(), tmp_path)
    (file,) = tmp_path.rglob("*.safetensors")
    whole = file.read_bytes()
    file.write_bytes(damaged)
    assert k_means_row(data_set(), tmp_path) == row
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_not_an_error(tmp_path: Path) -> None:
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("not a folder")
    assert k_means_row(data_set(), in_the_way) == k_means_row(data_set(), tmp_path)
    assert in_the_way.read_text() == "not a folder"


def test_the_default_cache_is_advnets_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVNETS_CACHE", str(tmp_path / "cache"))
    k_means_row(data_set(), None)
    assert len(list((tmp_path / "cache" / "centroids").iterdir())) == 1


# --- The nearest image --------------------------------------------------------------------------


def test_nearest_images_equal_an_exhaustive_search() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2100, 6), generator=generator).to(torch.uint8)
    x = torch.rand(9, 6, generator=generator)
    index, distance = nearest_images(x, images)
    for j in range(9):
        all_of_them = (floats(images).double() - x[j].double()).square().sum(1).sqrt()
        assert distance[j].item() == pytest.approx(all_of_them.min().item(), rel=1e-12)
        assert index[j] == all_of_them.argmin()


def test_a_copy_has_distance_0_and_the_lowest_index() -> None:
    generator = torch.Generator().manual_seed(0)
    once = torch.randint(0, 256, (700, 784), generator=generator).to(torch.uint8)
    index, distance = nearest_images(floats(once[:40]), once.repeat(3, 1))
    assert torch.equal(index, torch.arange(40))
    assert torch.equal(distance, torch.zeros(40, dtype=torch.float64))


def test_nearest_in_the_range_of_the_data() -> None:
    images = torch.tensor([[0, 0], [255, 255]], dtype=torch.uint8)
    index, distance = nearest_images(
        torch.tensor([[-1.0, -0.5]]), images, lambda b: b.float() / 127.5 - 1
    )
    assert (index.item(), distance.item()) == (0, 0.5)


# --- Published scores ---------------------------------------------------------------------------


def test_table_1_is_among_the_published_values() -> None:
    table_1 = {
        "mnist": {("DBN", 138, 2), ("Stacked CAE", 121, 1.6), ("Deep GSN", 214, 1.1)}
        | {("Adversarial nets", 225, 2)},
        "tfd": {("DBN", 1909, 66), ("Stacked CAE", 2110, 50), ("Deep GSN", 1890, 29)}
        | {("Adversarial nets", 2057, 26)},
    }
    for name, rows in PUBLISHED.items():
        assert table_1[name] == {
            (row.model, row.nats, row.se) for row in rows if row.source == "GAN paper"
        }
        assert list(rows) == sorted(rows, key=lambda row: row.nats)
    assert "mnist-5k" not in PUBLISHED


def test_a_data_set_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = small_data()
    monkeypatch.setattr(arrays, "load", {"mine": data}.__getitem__)
    assert calibrate("mine", samples=20) == calibrate(data, samples=20)


@pytest.mark.usefixtures("_as_users_run_it")
def test_a_grid_that_can_be_read_once_serves_every_row(tmp_path: Path) -> None:
    data = small_data()
    wanted = calibrate(data, [0.1, 0.2], samples=20)
    assert calibrate(data, (σ for σ in (0.1, 0.2)), samples=20, cache=str(tmp_path)) == wanted
    folds = dataclasses.replace(data, folds=(Fold(data.valid, data.test),) * 2)
    x = data.floats(data.train[:20])
    assert parzen_score_on(folds, x, iter([0.1, 0.2])) == parzen_score_on(folds, x, [0.1, 0.2])
    with pytest.raises(UserError, match="seed is 'x'; it must be a whole number"):
        calibrate(data, seed="x", samples=20)  # type: ignore[arg-type]
