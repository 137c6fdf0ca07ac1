"""Images in memory: what a data set refuses, conversion of arrays, splits, and warnings."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import adversarial_nets as an
from adversarial_nets.datasets import as_dataset, fingerprint
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import parzen_score_on
from small import small_data, small_settings

Images = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def noise(*shape: int, seed: int = 0) -> Images:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def rows(data: an.Dataset) -> set[bytes]:
    splits = (data.train, data.valid, data.test)
    return {row.numpy().tobytes() for images in splits for row in images}


# --- What a data set refuses ----------------------------------------------------------------------


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("images", "said"),
    [
        (torch.rand(9, 16), r"type float32; images must be uint8.*\(x \* 255\)\.round\(\)"),
        (torch.rand(9, 16).double() * 255, "type float64; images must be uint8"),
        (torch.zeros(9, 16, dtype=torch.int64), "type int64; images must be uint8"),
        (torch.zeros(9, 16, dtype=torch.bool), "type bool; images must be uint8"),
        (torch.zeros(9, 4, 4, dtype=torch.uint8), r"shape \(9, 4, 4\).*x\.flatten\(1\)"),
        (torch.zeros(9, 15, dtype=torch.uint8), r"image_shape \(1, 4, 4\) needs \(n, 16\)"),
        (torch.zeros(0, 16, dtype=torch.uint8), "no images"),
        (np.zeros((9, 16), np.uint8), r"type ndarray.*torch\.from_numpy"),
    ],
)
def test_a_data_set_refuses_what_is_not_rows_of_bytes(images: Any, said: str) -> None:
    good = torch.zeros(9, 16, dtype=torch.uint8)
    for split in ("train", "valid", "test"):
        with pytest.raises(UserError, match=said):
            an.Dataset("x", **{"train": good, "valid": good, "test": good, split: images},
                       image_shape=(1, 4, 4), provenance="")  # fmt: skip


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize("shape", [(4, 4), (16,), (1, 4, 0), (1.0, 4, 4), [1, 4, 4]])
def test_a_data_set_refuses_other_image_shapes(shape: Any) -> None:
    with pytest.raises(UserError, match=r"must be \(channels, height, width\)"):
        dataclasses.replace(small_data(), image_shape=shape)


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"train": torch.zeros(279, dtype=torch.int64)}, r"of shape \(279,\).*shape \(280,\)"),
        ({"train": torch.zeros(280)}, r"float32 of shape \(280,\); it must be an int64 tensor"),
        ({"train": torch.zeros(280, 10, dtype=torch.int64)}, r"labels\.argmax\(1\)"),
        ({"train": np.zeros(280, np.int64)}, "of type ndarray"),
        ({"val": torch.zeros(35, dtype=torch.int64)}, "key 'val'; its keys are train, valid, test"),
        (None, "labels is of type NoneType; it must hold the class numbers by split"),
        ([0] * 280, "labels is of type list; it must hold the class numbers by split"),
    ],
)
def test_a_data_set_refuses_labels_that_do_not_fit(labels: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        dataclasses.replace(small_data(), labels=labels)


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize("norm", [0, -1.0, "x", np.nan])
def test_a_norm_that_is_none_and_a_range_of_texts(norm: Any) -> None:
    with pytest.raises(UserError, match=r"contrast_norm is .*; it must be a norm above 0"):
        dataclasses.replace(small_data(), contrast_norm=norm)
    texts: Any = ("a", "b")
    with pytest.raises(UserError, match="it must be the smallest and the largest value"):
        dataclasses.replace(small_data(), range=texts)


def test_data_sets_are_printed_in_one_line_and_compared() -> None:
    data = small_data()
    assert repr(data) == "Dataset('small': 280 train, 35 valid, 35 test; image_shape=(1, 6, 6))"
    assert data == data
    assert data != small_data()
    assert len({data, small_data()}) == 2


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize("norm", [None, 55.0])
def test_floats_never_write_into_the_callers_images(norm: float | None) -> None:
    data = dataclasses.replace(small_data(), contrast_norm=norm)
    before = data.train.clone()
    data.floats(data.train)
    assert torch.equal(data.train, before)


@pytest.mark.usefixtures("_as_users_run_it")
def test_floats_refuses_images_that_are_converted_already() -> None:
    data = small_data()
    x = data.floats(data.train)
    kept = x.clone()
    with pytest.raises(UserError, match="type float32; images must be uint8"):
        data.floats(x)
    assert torch.equal(x, kept)


def test_the_kind_of_tuple_does_not_change_the_fingerprint() -> None:
    data = small_data()
    shape: Any = torch.Size([1, 6, 6])
    other = dataclasses.replace(data, image_shape=shape)
    assert fingerprint(other) == fingerprint(data)


# --- Arrays ---------------------------------------------------------------------------------------


def test_the_same_images_in_every_layout_and_type_give_the_same_data() -> None:
    grey, colour = noise(40, 5, 4), noise(40, 3, 5, 4)
    layouts: list[tuple[list[Any], tuple[int, int, int]]] = [
        ([grey, grey[:, None], grey[..., None], grey / 255, (grey / 255).astype(np.float16),
          torch.from_numpy(grey), torch.from_numpy(grey) / 255], (1, 5, 4)),
        ([colour, colour.transpose(0, 2, 3, 1), torch.from_numpy(colour).permute(0, 2, 3, 1),
          np.asfortranarray(colour), colour[::-1][::-1]], (3, 5, 4)),
    ]  # fmt: skip
    for arrays, shape in layouts:
        made = [an.dataset_from_arrays(array) for array in arrays]
        assert {data.image_shape for data in made} == {shape}
        assert len({fingerprint(data) for data in made}) == 1
        assert rows(made[0]) == {image.tobytes() for image in arrays[0]}
    flat = an.dataset_from_arrays(colour.reshape(40, -1), image_shape=(3, 5, 4))
    assert fingerprint(flat) == fingerprint(an.dataset_from_arrays(colour))


def test_floats_are_rounded_and_booleans_become_black_and_white(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adversarial_nets.datasets.arrays._BLOCK", 7)
    values = np.tile(np.array([0.0, 1.0, 0.5, 1 / 255]), (30, 1)) * np.linspace(0.5, 1, 30)[:, None]
    data = an.dataset_from_arrays(values, image_shape=(1, 2, 2))
    assert rows(data) == {np.rint(row * 255).astype(np.uint8).tobytes() for row in values}
    mask = noise(40, 6, 6) > 128
    assert rows(an.dataset_from_arrays(mask)) == {(m * np.uint8(255)).tobytes() for m in mask}


def test_the_callers_arrays_are_neither_changed_nor_shared() -> None:
    images = noise(40, 4, 4)
    images.flags.writeable = False
    data = an.dataset_from_arrays({"train": images, "test": images[::-1] ^ 255})
    data.train.zero_()
    data.floats(data.valid)
    assert np.array_equal(images, noise(40, 4, 4))


def test_the_split_is_the_same_every_time_and_keeps_each_image_with_its_label() -> None:
    images = noise(100, 3, 3)
    labels = images.reshape(100, -1).astype(np.int64).sum(1)
    one, two = (an.dataset_from_arrays(images, given) for given in (labels, labels.tolist()))
    assert fingerprint(one) == fingerprint(two)
    assert [len(one.train), len(one.valid), len(one.test)] == [80, 10, 10]
    assert rows(one) == {image.tobytes() for image in images}
    for split in ("train", "valid", "test"):
        assert torch.equal(getattr(one, split).long().sum(1), one.labels[split])
    assert torch.equal(one.labels["valid"], two.labels["valid"])


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("given", "lengths"),
    [
        ({"train": 50, "valid": 7, "test": 9}, [50, 7, 9]),
        ({"train": 50, "test": 9}, [45, 5, 9]),
        ({"train": 50, "valid": 7}, [45, 7, 5]),
    ],
)
def test_splits_that_are_given_are_kept(given: dict[str, int], lengths: list[int]) -> None:
    images = {name: noise(n, 4, 4, seed=i) for i, (name, n) in enumerate(given.items())}
    labels = {name: np.arange(n) for name, n in given.items()}
    data = an.dataset_from_arrays(images, labels)
    assert [len(data.train), len(data.valid), len(data.test)] == lengths
    for name, array in images.items():
        if name != "train":
            assert np.array_equal(getattr(data, name).numpy(), array.reshape(len(array), -1))
    assert np.array_equal(data.train[0].numpy(), images["train"][data.labels["train"][0]].ravel())


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.full((9, 4, 4), 7.5), r"floats from 7\.5 to 7\.5.*divide values from 0 to 255 by 255"),
        (np.linspace(-1, 1, 144).reshape(9, 4, 4), r"with \(x \+ 1\) / 2"),
        (np.full((9, 4, 4), -300.0), r"\(x - x\.min\(\)\)"),
        (np.full((9, 4, 4), np.nan), "NaN or infinite"),
        (np.full((9, 4, 4), 200, np.int64), r"type int64.*\.astype\('uint8'\)"),
        (np.full((9, 4, 4), 4095, np.uint16), "type uint16.*4095 or 65535"),
        (np.full((9, 4, 4), 1j), "type complex128"),
        (noise(9, 16), "dataset_from_arrays with image_shape"),
        (torch.randn(9, 10), r"vectors that are not images, build\.new_game"),
        (torch.randn(9, 2), r"shape \(9, 2\).*toys\.points_from_array"),
        (torch.rand(9), r"toys\.points_from_array"),
        (noise(9, 5, 6, 7), r"shape \(9, 5, 6, 7\).*1, 3 or 4 channels"),
        (noise(9, 1, 1, 4, 4), r"shape \(9, 1, 1, 4, 4\)"),
        (noise(32, 32, 3), "looks like one image"),
        (noise(2, 4, 4), "number of images is 2; at least 3"),
        (noise(0, 4, 4), "is empty"),
        (np.array(0.5), r"has shape \(\); it must be \(n, height, width\)"),
        (torch.zeros(9, 4, 4, device="meta"), "meta, sparse, nested or quantised tensor"),
        (torch.zeros(9, 4, 4).to_sparse(), r"x\.to_dense\(\)"),
        (np.ma.masked_greater(np.linspace(0, 1, 144).reshape(9, 4, 4), .5), r"x\.filled\(0\)"),
        ({"train": noise(9, 4, 4)}, "has the splits 'train'; give 'train' and one or both"),
        ({"all": noise(9, 4, 4)}, "has the splits 'all'; give 'train' and one or both"),
        ({"valid": noise(9, 4, 4), "test": noise(9, 4, 4)}, "give 'train' and one or both"),
        ({"train": noise(9, 4, 4), "test": noise(9, 5, 5)}, "different shapes"),
    ],
)  # fmt: skip
def test_other_arrays_are_refused(images: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        an.dataset_from_arrays(images)


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros(8), r"shape \(8,\); it must be \(9,\)"),
        (np.eye(9), r"labels\.argmax\(1\)"),
        (np.full(9, 0.5), "not whole numbers from 0"),
        (np.full(9, -1), "not whole numbers from 0"),
        (np.full(9, 0.5), "not whole numbers from 0.*return_inverse"),
        ({"train": np.zeros(9)}, "both as one array, or both by split"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        an.dataset_from_arrays(noise(9, 4, 4), labels)


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize("data", [7, None, [1, 2], b"bytes"])
def test_an_argument_that_is_not_data_is_explained(data: object) -> None:
    with pytest.raises(UserError, match=r"data are of type .*; give the name of a data set"):
        as_dataset(data)


@pytest.mark.usefixtures("_as_users_run_it")
def test_every_form_of_data_is_taken_wherever_data_is_taken() -> None:
    """`new_game` and `calibrate` accept the same kinds of data as `train`."""
    images = noise(40, 4, 4)
    data = an.dataset_from_arrays(images)
    game = an.new_game(small_settings(), images)
    assert isinstance(game.data, an.Dataset)
    assert fingerprint(game.data) == fingerprint(data)
    assert an.calibrate(images, samples=5) == an.calibrate(data, samples=5)
    assert parzen_score_on(images, np.zeros((2, 16))) == parzen_score_on(data, np.zeros((2, 16)))
    take: Any
    for take in (an.calibrate, lambda data: an.new_game(small_settings(), data)):
        with pytest.raises(UserError, match=r"There is no data set 'mnist-6k'.*mnist-5k"):
            take("mnist-6k")
        with pytest.raises(UserError, match="photos does not exist"):
            take(Path("photos"))
        with pytest.raises(UserError, match="from load or dataset_from_arrays"):
            take([1, 2])


def test_train_takes_an_array_and_evaluate_its_data_set(tmp_path: Path) -> None:
    images = torch.cat([getattr(small_data(), s) for s in ("train", "valid", "test")])
    run = an.train(images.view(-1, 6, 6), settings=small_settings(), run=tmp_path / "run", rounds=2)
    data = an.dataset_from_arrays(images.view(-1, 6, 6))
    assert run.image_shape == (1, 6, 6)
    assert an.evaluate(run, data, samples=50, calibration=False).parzen.samples == 50
    with pytest.raises(UserError, match=r"only the program that made them has.*data=") as caught:
        an.evaluate(run)
    assert str(run.folder) in str(caught.value)


# --- Warnings -------------------------------------------------------------------------------------


def warnings_of(images: Any) -> list[str]:
    with pytest.warns(UserWarning) as caught:  # noqa: PT030
        an.dataset_from_arrays(images)
    return [str(warning.message) for warning in caught]


def test_identical_images_are_noticed() -> None:
    said = warnings_of(np.tile(noise(4, 4), (50, 1, 1)))
    assert said == [
        "array: all 50 images are identical, so there is nothing to learn. Check the files."
    ]
    one = np.tile(noise(4, 4), (50, 1, 1))
    said = warnings_of(
        {"train": one, "test": noise(9, 4, 4, seed=2), "valid": noise(8, 4, 4, seed=1)}
    )
    assert said == ["array: all 50 training images are identical."]


def test_blank_images_are_noticed() -> None:
    images = noise(50, 3, 4, 4)
    images[:6] = np.array([10, 20, 30], np.uint8)[:, None, None]
    assert warnings_of(images) == [
        "array: 6 of 50 images are blank (one colour everywhere). Check the files, or remove them."
    ]


def test_duplicates_across_splits_are_noticed() -> None:
    train, test, valid = noise(50, 4, 4), noise(10, 4, 4, seed=1), noise(9, 4, 4, seed=2)
    test[:3] = train[:3]
    test[3] = valid[0]
    (said,) = warnings_of({"train": train, "valid": valid, "test": test})
    assert "3 of 10 test images equal a training image" in said
    assert "1 of 10 test images equal a validation image" in said


def test_images_that_are_almost_black_are_noticed() -> None:
    """Bytes of 0 and 1, as binarised images often are, are one 255th of white."""
    (said,) = warnings_of((noise(50, 6, 6) > 128).astype(np.uint8))
    assert "the brightest value is 1 of 255" in said


def test_a_data_set_made_by_hand_is_looked_at_before_training_and_once(tmp_path: Path) -> None:
    images = torch.from_numpy(np.tile(noise(36), (50, 1)))
    data = an.Dataset("mine", images, images[:5], images[:5], (1, 6, 6), "made by hand")
    settings = small_settings()
    with pytest.warns(UserWarning, match="mine: all 60 images are identical"):
        run = an.train(data, settings=settings, run=tmp_path / "run", rounds=1)
    assert an.train(data, settings=settings, run=run.folder, rounds=1)  # a warning is an error here


def test_sound_data_give_no_warning() -> None:
    assert as_dataset(small_data()).examined


def test_labels_may_be_the_names_of_classes() -> None:
    images, others = noise(30, 6, 6), noise(30, 6, 6, seed=1)
    names = ["cat", "dog", "owl"] * 10
    data = an.dataset_from_arrays(images, names)
    numbers = an.dataset_from_arrays(images, [0, 1, 2] * 10, classes=["cat", "dog", "owl"])
    assert data.classes == numbers.classes == ("cat", "dog", "owl")
    assert all(torch.equal(data.labels[s], numbers.labels[s]) for s in ("train", "valid", "test"))
    column = an.dataset_from_arrays(images, np.array(names)[:, None], classes=("owl", "dog", "cat"))
    assert torch.equal(2 - column.labels["train"], data.labels["train"])
    split = an.dataset_from_arrays(
        {"train": images, "test": others}, {"train": names, "test": names[::-1]}
    )
    assert split.labels["test"].tolist() == [2, 1, 0] * 10
    with pytest.raises(UserError, match="has the class 'owl', which classes lacks"):
        an.dataset_from_arrays(images, names, classes=("cat", "dog"))
    with pytest.raises(UserError, match="one class number or name for each image"):
        an.dataset_from_arrays(images, np.array(names).reshape(15, 2))


@pytest.mark.usefixtures("_as_users_run_it")
def test_labels_classes_and_shapes_as_numpy_and_pandas_have_them() -> None:
    make: Any = an.dataset_from_arrays
    images, names = noise(30, 6, 6), ["cat", "dog", "owl"] * 10
    data = make(images, np.array(names, object))  # as a column of pandas
    assert data.classes == ("cat", "dog", "owl")
    numbers = make(
        images, np.array([0, 1, 2] * 10, object), classes=np.array(["cat", "dog", "owl"])
    )
    assert torch.equal(data.labels["test"], numbers.labels["test"])
    assert {type(name) for name in numbers.classes} == {str}
    assert make(images, [0, 1] * 15, classes=None).class_names == ("0", "1")
    assert make(images, [0, 1] * 15, classes=[7, 8]).classes == ("7", "8")
    for shape in (np.array([1, 6, 6]), tuple(np.array([1, 6, 6])), torch.Size([1, 6, 6])):
        assert make(images.reshape(30, 36), image_shape=shape).image_shape == (1, 6, 6)
    for classes in (3, "abc"):
        with pytest.raises(UserError, match=r"give the name of each class, e\.g\."):
            make(images, [0, 1, 2] * 10, classes=classes)
    with pytest.raises(UserError, match="labels has rows of different lengths"):
        make(images, [[1], [1, 2]] * 15)


@pytest.mark.usefixtures("_as_users_run_it")
def test_labels_of_another_form_than_the_images() -> None:
    make: Any = an.dataset_from_arrays
    images = noise(30, 6, 6)
    splits = {"train": images, "test": noise(9, 6, 6, seed=1)}
    names, numbers = ["cat", "dog", "owl"] * 10, [0, 1, 2] * 3
    refused: list[tuple[Any, Any, str]] = [
        (images, {"all": names}, "both as one array, or both by split"),
        (splits, names, "both as one array, or both by split"),
        (splits, {"train": names, "valid": numbers}, "labels has the split 'valid'"),
        (splits, {"train": names, "test": numbers}, "numbers in one split and names in another"),
        (
            splits,
            {"train": names, "test": None},
            r"labels\['test'\] is of type NoneType; it must be \(9,\)",
        ),
        (images, np.array([b"\xff"] * 30), "not ASCII"),
    ]
    for given, labels, said in refused:
        with pytest.raises(UserError, match=said):
            make(given, labels)
