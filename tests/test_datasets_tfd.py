"""TFD's file: folds as published, the stand-in has its own name, damaged files are explained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat

from adversarial_nets.datasets import load, tfd
from adversarial_nets.datasets.tfd import read_tfd
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import parzen_score, parzen_score_on

N, SIDE = 60, 8


def content(**changes: Any) -> dict[str, Any]:
    """Arrays of a small file: the first 40 faces unlabelled, the others shuffled in each fold."""
    rng = np.random.default_rng(0)
    folds = np.zeros((N, 5), np.uint8)
    for i in range(5):
        folds[40:, i] = rng.permutation([1] * 10 + [2] * 4 + [3] * 6)
    labels = np.full((N, 1), -1, np.int16)
    labels[40:, 0] = rng.integers(1, 8, 20)
    images = rng.integers(0, 256, (N, SIDE, SIDE), dtype=np.uint8)
    return {"images": images, "labs_ex": labels, "folds": folds} | changes


def file(folder: Path, **changes: Any) -> Path:
    path = folder / "TFD_48x48.mat"
    savemat(path, {key: value for key, value in content(**changes).items() if value is not None})
    return path


def test_trains_on_the_unlabelled_and_scores_on_each_fold(tmp_path: Path) -> None:
    arrays = content()
    data = read_tfd(file(tmp_path), "tfd", SIDE)
    assert data.random_order
    rows = torch.from_numpy(arrays["images"].reshape(N, -1))
    assert torch.equal(data.train, rows[:40])
    assert len(data.folds) == 5
    for i, fold in enumerate(data.folds):
        codes = arrays["folds"][:, i]
        assert torch.equal(fold.valid, rows[np.flatnonzero(codes == 2)])
        assert torch.equal(fold.test, rows[np.flatnonzero(codes == 3)])
    assert torch.equal(data.valid, data.folds[0].valid)
    assert torch.equal(data.test, data.folds[0].test)
    expected = arrays["labs_ex"][arrays["folds"][:, 0] == 3, 0] - 1
    assert data.labels["test"].tolist() == expected.tolist()
    assert data.image_shape == (1, SIDE, SIDE)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"folds": None}, "has no folds"),
        ({"images": None, "labs_ex": None}, "has no images and no labs_ex"),
        ({"folds": np.zeros((N, 5), np.uint8)}, "no validation or no test images"),
        ({"folds": np.full((N, 5), 4, np.uint8)}, "values other than 0"),
        ({"folds": np.zeros((N - 1, 5), np.uint8)}, f"must be ({N}, 5)"),
        ({"labs_ex": np.full((N, 1), 8, np.int16)}, "each 1 to 7"),
        ({"labs_ex": np.full((3, 1), 1, np.int16)}, f"must have {N} labels"),
        ({"labs_ex": np.zeros((0, 0))}, f"must have {N} labels"),
        ({"labs_ex": "happy"}, "labs_ex is not numeric"),
        ({"folds": {"a": 1}}, "folds is not numeric"),
        ({"images": np.zeros((N, SIDE, SIDE))}, "float64"),
        ({"images": np.zeros((N, 3, 3), np.uint8)}, f"shape (n, {SIDE}, {SIDE})"),
    ],
    ids=range(12),
)
def test_bad_contents_are_explained(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        read_tfd(file(tmp_path, **changes), "tfd", SIDE)
    assert words in str(caught.value)


def test_bad_files_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "TFD_48x48.mat"
    version_7_3 = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n"
    whole = file(tmp_path).read_bytes()
    for bad, words in (
        (version_7_3.ljust(2000, b"\0"), "HDF5"),
        (whole[: len(whole) // 2], "cannot be read as a MATLAB 5 file"),
        (b"no such thing", "cannot be read as a MATLAB 5 file"),
        (b"", "cannot be read as a MATLAB 5 file"),
    ):
        path.write_bytes(bad)
        with pytest.raises(UserError) as caught:
            read_tfd(path, "tfd", SIDE)
        assert words in str(caught.value)


@pytest.mark.parametrize(("before", "byte"), [(1, 255), (5, 255), (7, 255), (40, 0)])
def test_damage_in_an_arrays_header_is_explained(tmp_path: Path, before: int, byte: int) -> None:
    path = file(tmp_path)
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(b"images") - before] = byte
    path.write_bytes(bytes(damaged))
    with pytest.raises(UserError, match="cannot be read as a MATLAB 5 file"):
        read_tfd(path, "tfd", SIDE)


def test_no_training_image_is_labelled_in_any_fold(tmp_path: Path) -> None:
    folds = content()["folds"]
    folds[:6, 1] = (2, 3, 2, 3, 2, 3)  # in the second fold alone these are labelled
    data = read_tfd(file(tmp_path, folds=folds), "tfd", SIDE)
    images = torch.from_numpy(content()["images"].reshape(N, -1))
    assert torch.equal(data.train, images[6:40])
    assert "34 unlabelled ones" in data.provenance
    assert "of 4 to 7 validation and 6 to 9 test images each" in data.provenance


def test_the_message_for_a_missing_file_states_the_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    with pytest.raises(UserError, match=r"licensed .*ADVNETS_DATA/tfd/TFD_96x96.mat"):
        load("tfd-96")
    with pytest.raises(UserError, match="FER-2013"):
        load("tfd-standin")


def test_the_stand_in_is_not_loaded_as_tfd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    monkeypatch.setattr(tfd, "NAMES", {k: (SIDE, *v[1:]) for k, v in tfd.NAMES.items()})
    file(tmp_path).rename(tmp_path / f"TFD_{SIDE}x{SIDE}.mat")
    with pytest.raises(UserError, match="Use the name tfd-standin"):
        load("tfd")
    assert "stand-in (FER-2013)" in load("tfd-standin").provenance
    monkeypatch.setattr(tfd, "STANDIN_IMAGES", 10)
    assert "Toronto" in load("tfd").provenance
    with pytest.raises(UserError, match="Use the name tfd"):
        load("tfd-standin")


def test_folds_are_scored_one_by_one(tmp_path: Path) -> None:
    data = read_tfd(file(tmp_path), "tfd", SIDE)
    samples = data.floats(data.train)
    found = parzen_score_on(data, samples, "fine")
    assert len(found.folds) == 5
    alone = [
        parzen_score(samples, data.floats(f.valid), data.floats(f.test), "fine") for f in data.folds
    ]
    assert list(found.folds) == alone
    nats = np.array([score.nats for score in alone])
    assert found.nats == pytest.approx(nats.mean())
    assert found.se == pytest.approx(nats.std(ddof=1) / 5**0.5)
    assert found.sigma in dict(found.curve)
    assert "over 5 folds" in str(found)


def test_the_real_stand_in(data_folder: Path) -> None:
    data = load("tfd-standin")
    assert (data.name, data.image_shape, len(data.train)) == ("tfd-standin", (1, 48, 48), 31_709)
    assert [(len(f.valid), len(f.test)) for f in data.folds] == [(418, 835)] * 5
    assert all(int(data.labels[s].max()) <= 6 for s in ("valid", "test"))
