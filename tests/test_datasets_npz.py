"""Images in NumPy archives and in zip archives."""

import dataclasses
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from adversarial_nets.cli.main import main
from adversarial_nets.datasets import REGISTRY, fingerprint, load
from adversarial_nets.errors import UserError
from adversarial_nets.training.default_preset import preset_for_data

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 6, 5, 3), dtype=np.uint8)


def test_one_array_is_split_and_keeps_its_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", anything=IMAGES, labels=np.arange(60) % 4)
    data = load(f"npz:{tmp_path / 'x.npz'}")
    assert data.image_shape == (3, 6, 5)
    assert [len(x) for x in (data.train, data.valid, data.test)] == [48, 6, 6]
    assert len(data.labels["train"]) == 48


def test_named_splits_are_kept(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", train=IMAGES[:40], valid=IMAGES[40:50], test=IMAGES[50:])
    data = load(f"npz:{tmp_path / 'x.npz'}")
    wanted = torch.from_numpy(IMAGES[50:].transpose(0, 3, 1, 2).reshape(10, -1).copy())
    assert torch.equal(data.test, wanted)


def test_splits_have_labels_of_their_own(tmp_path: Path) -> None:
    splits: dict[str, Any] = {"train": IMAGES[:40], "valid": IMAGES[40:50], "test": IMAGES[50:]}
    labels: dict[str, Any] = {f"{name}_labels": np.arange(len(x)) % 4 for name, x in splits.items()}
    np.savez(tmp_path / "x.npz", **splits, **labels)
    found = load(f"npz:{tmp_path / 'x.npz'}").labels
    assert {name: x.tolist() for name, x in found.items()} == {
        name: labels[f"{name}_labels"].tolist() for name in splits
    }
    np.savez(tmp_path / "one.npz", **splits, labels=np.arange(60) % 4)
    with pytest.raises(UserError, match="train_labels"):
        load(f"npz:{tmp_path / 'one.npz'}")


@pytest.mark.parametrize(
    ("arrays", "unused"),
    [
        ({"images": IMAGES, "targets": np.arange(60)}, "targets"),
        ({"images": IMAGES, "labels": np.arange(60), "y": np.arange(60)}, "y"),
        ({"train": IMAGES[:30], "test": IMAGES[30:45], "val": IMAGES[45:]}, "val"),
        (
            {"train": IMAGES[:30], "test": IMAGES[30:], "labels_train": np.arange(30)},
            "labels_train",
        ),
    ],
)
def test_arrays_that_are_not_read_are_named(
    arrays: dict[str, Any], unused: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.warns(UserWarning, match=f"these arrays are not used: {unused}[.]"):
        load(f"npz:{tmp_path / 'x.npz'}")


def test_other_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no archive")
    np.save(tmp_path / "one.npy", IMAGES)
    np.savez(tmp_path / "two.npz", a=IMAGES, b=IMAGES)
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    (tmp_path / "empty.npz").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "pictures.npz", "w") as archive:
        archive.writestr("a.png", b"a picture")
    np.savez_compressed(tmp_path / "damaged.npz", a=IMAGES)
    damaged = bytearray((tmp_path / "damaged.npz").read_bytes())
    damaged[200:260] = bytes(60)
    (tmp_path / "damaged.npz").write_bytes(damaged)
    names = ("text", "two", "objects", "none", "empty", "pictures", "damaged")
    for name in (f"{name}.npz" for name in names):
        with pytest.raises(UserError, match=r"npz|images"):
            load(f"npz:{tmp_path / name}")
    with pytest.raises(UserError, match=r"a \(60, .*x\.reshape"):
        load(f"npz:{tmp_path / 'two.npz'}")
    with pytest.raises(UserError, match="is not a NumPy file"):
        load(f"npz:{tmp_path / 'text.npz'}")
    assert len(load(f"npz:{tmp_path / 'one.npy'}").train) == 48
    assert len(load(tmp_path / "one.npy").train) == 48


def test_a_zip_archive_is_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for i, image in enumerate(IMAGES):
            path = folder / ("sub" if i % 2 else "") / f"{i}.png"
            Image.fromarray(image).save(path)
            archive.write(path, path.relative_to(folder))
    options = {"size": 5, "channels": 3}
    unpacked, zipped = (load(f"folder:{p}", **options) for p in (folder, tmp_path / "photos.zip"))  # type: ignore[arg-type]
    assert fingerprint(unpacked) == fingerprint(zipped)
    content = bytearray((tmp_path / "photos.zip").read_bytes())
    content[60:90] = bytes(30)
    (tmp_path / "damaged.zip").write_bytes(content)
    with pytest.raises(UserError, match="cannot be unpacked"):
        load(f"folder:{tmp_path / 'damaged.zip'}")


def test_the_preset_follows_the_images(tmp_path: Path) -> None:
    for i, image in enumerate(IMAGES):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{i}.png")
    name, preset = preset_for_data(f"folder:{tmp_path}")
    assert (name, preset.settings.channels, preset.settings.size) == ("pictures", 1, 32)
    Image.fromarray(IMAGES[0]).save(tmp_path / "0.png")
    assert preset_for_data(f"folder:{tmp_path}")[1].settings.channels == 3
    as_they_are = preset_for_data("mnist-5k", "pictures")[1].settings
    assert (as_they_are.size, as_they_are.channels) == (None, None)


def test_one_class_of_a_data_set() -> None:
    sevens, whole = load("mnist-5k:7"), load("mnist-5k")
    assert torch.equal(sevens.train, whole.train[whole.labels["train"] == 7])
    assert [len(x) for x in (sevens.train, sevens.valid, sevens.test)] == [400, 50, 50]
    assert sevens.name == "mnist-5k:7"
    with pytest.raises(UserError, match="its classes are 0, 1"):
        load("mnist-5k:10")


def test_a_class_is_a_number_or_a_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mnist-5k:x", "cifar10-copy:automobil"):
        assert main(["train", name, "--dry-run"]) == 2
        out, err = capsys.readouterr()
        assert not out
        assert f"give the number of a class, for example {name.partition(':')[0]}:1" in err
    assert "or its name: airplane, automobile" in err
    assert main(["train", "cifar10-copy:automobile", "--dry-run"]) == 0

    digits = load("mnist-5k")
    names = tuple(f"digit-{i}" for i in range(10))
    entry = dataclasses.replace(REGISTRY["mnist-5k"], classes=names, loader=lambda request: digits)
    monkeypatch.setitem(REGISTRY, "mnist-5k", entry)
    assert torch.equal(load("mnist-5k:digit-7").test, load("mnist-5k:7").test)


@pytest.mark.parametrize(
    ("shape", "preset"),
    [
        ((20, 16, 16, 3), "pictures"),
        ((20, 3, 16, 16), "pictures"),
        ((20, 16, 16), "quickstart"),
        ((20, 4, 4, 3), "quickstart"),
    ],
)
def test_colour_images_get_convolutional_networks(
    shape: tuple[int, ...], preset: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "x.npz", images=np.zeros(shape, np.uint8), labels=np.zeros(20))
    data = f"npz:{tmp_path / 'x.npz'}"
    assert preset_for_data(data)[0] == preset
    assert preset_for_data(data, "quickstart")[0] == "quickstart"
    assert preset_for_data("npz:missing.npz")[0] == "quickstart"
