"""Scores and metrics of a split that is sorted by class use images of all classes."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import adversarial_nets
from adversarial_nets.build import new_game
from adversarial_nets.datasets import Dataset, dataset_from_arrays, load, sample_images, sample_rows
from adversarial_nets.datasets.idx import FILES, assemble
from adversarial_nets.evaluation import parzen_score_on
from adversarial_nets.minibatches import condition_of
from adversarial_nets.runs import metrics
from adversarial_nets.settings import Cadence
from adversarial_nets.toys.images import new_evaluator
from adversarial_nets.training.diagnostics import variance_ratio
from adversarial_nets.training.session import train
from small import small_data, small_settings

CLASSES = (torch.arange(2400) >= 1600).long()


def _sorted() -> dict[str, torch.Tensor]:
    """1,600 dark images before 800 bright ones, in each split."""
    generator = torch.Generator().manual_seed(0)
    shape = len(CLASSES), 6, 6
    return {
        split: 0.2 * torch.rand(shape, generator=generator) + 0.7 * CLASSES[:, None, None]
        for split in ("train", "valid", "test")
    }


@pytest.fixture(scope="module")
def data() -> Dataset:
    return dataset_from_arrays(_sorted(), dict.fromkeys(("train", "valid", "test"), CLASSES))


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_sorted_split_is_represented_by_images_of_all_classes(data: Dataset, split: str) -> None:
    rows = sample_rows(data, split, 1000)
    assert len(rows.unique()) == 1000
    assert 0.3 < data.labels[split][rows].double().mean() < 0.37
    assert torch.equal(sample_images(data, split, 1000), data.floats(getattr(data, split)[rows]))
    assert sample_rows(data, split, 10**4).tolist() == list(range(len(CLASSES)))


def test_no_module_takes_the_first_images_of_a_split() -> None:
    """They would be of one class if the split is sorted; `sample_rows` chooses at random."""
    package = Path(adversarial_nets.__file__).parent
    first = re.compile(r"\.(train|valid|test)\[:")
    found = {path.name for path in package.rglob("*.py") if first.search(path.read_text("utf-8"))}
    assert found == {"thumbnails.py"}  # four images as a picture of published data


def test_the_playgrounds_classifier_knows_all_classes() -> None:
    labels = (torch.arange(7000) >= 5500).long()
    generator = torch.Generator().manual_seed(2)
    splits = {
        split: 0.2 * torch.rand(7000, 6, 6, generator=generator) + 0.7 * labels[:, None, None]
        for split in ("train", "valid", "test")
    }
    data = dataset_from_arrays(splits, dict.fromkeys(splits, labels))
    classifier = new_evaluator(data).classifier
    assert classifier is not None
    assert (classifier.classify(data.floats(data.test)) == labels.numpy()).all()


def test_classes_belong_to_the_same_images(data: Dataset) -> None:
    game = new_game(small_settings(condition="classes"), data)
    c = condition_of(game, data, "valid", 1000)
    assert c is not None
    bright = sample_images(data, "valid", 1000).mean(1) > 0.5
    assert torch.equal(c.argmax(1) == 1, bright)


def test_the_widths_score_and_diversity_are_those_of_all_classes(data: Dataset) -> None:
    shuffled = torch.randperm(len(CLASSES), generator=torch.Generator().manual_seed(1))
    mixed = dataclasses.replace(
        data, **{split: getattr(data, split)[shuffled] for split in ("train", "valid", "test")}
    )
    game = new_game(small_settings(), data)
    assert variance_ratio(game, data) == pytest.approx(variance_ratio(game, mixed), rel=0.05)
    samples = data.floats(data.train[:1200])  # dark ones only
    sigma = parzen_score_on(data, samples, "fine").sigma
    assert sigma == parzen_score_on(mixed, samples, "fine").sigma > 0.3


def test_a_runs_validation_score_counts_the_class_that_G_lacks(
    data: Dataset, tmp_path: Path
) -> None:
    """The score of one G differs little between sorted and mixed validation images."""
    shuffled = torch.randperm(len(CLASSES), generator=torch.Generator().manual_seed(1))
    scores: list[float] = []
    for valid in (data.valid, data.valid[shuffled]):
        run = train(
            dataclasses.replace(data, valid=valid, labels={}),
            run=tmp_path / str(len(scores)),
            settings=small_settings(),
            rounds=2,
            cadence=Cadence(2, 2, 2, 2, score_samples=200),
            progress=False,
        )
        scores.append(metrics.read_metrics(run.folder)[-1]["scores"]["raw"]["valid_nats"])
    assert scores[0] == pytest.approx(scores[1], abs=3)


def test_a_random_order_keeps_the_first_images() -> None:
    """So the recorded numbers of published data stay."""
    images = np.random.default_rng(0).random((3000, 4, 4))
    for data in (load("mnist-5k"), dataset_from_arrays(images)):
        assert data.random_order
        assert sample_rows(data, "train", 1000).tolist() == list(range(1000))


def test_files_of_a_users_own_have_an_unknown_order() -> None:
    files = {
        name: torch.zeros(12, *[4, 4][: n - 1], dtype=torch.uint8) for name, n in FILES.items()
    }
    assert not assemble("idx:mine", files, "made here").random_order
    assert not small_data().random_order
