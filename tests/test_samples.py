"""`advnets sample` and what the other commands that use a generator share with it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import kstest, truncnorm

import adversarial_nets as an
from adversarial_nets import priors
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import dataset_from_arrays, load
from adversarial_nets.errors import SettingError
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.random import Address
from adversarial_nets.runs.game_state import load_generator
from small import small_data, small_labelled_data, small_settings


def noise(n: int, prior: str = "gaussian") -> torch.Tensor:
    return priors.draw(prior, Address(0, 0, range(n)), 5)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "plain"
    settings = small_settings(prior="gaussian")
    an.train(small_data(), settings=settings, run=folder, rounds=5, progress=False)
    return folder


@pytest.fixture(scope="module")
def with_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "classes"
    settings = small_settings(condition="classes")
    an.train(small_labelled_data(), settings=settings, run=folder, rounds=5, progress=False)
    return folder


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize(
    ("options", "n"),
    [([], 100), (["--n", "4"], 4), (["--per-class", "2"], 6), (["--class", "1"], 100), ("z", 7)],
)
def test_the_number_of_samples(
    options: list[str] | str, n: int, with_classes: Path, tmp_path: Path
) -> None:
    if options == "z":
        np.save(tmp_path / "z.npy", noise(7).numpy())
        options = ["--z", str(tmp_path / "z.npy")]
    out = tmp_path / "samples.npz"
    assert main(["sample", str(with_classes), "--out", str(out), *options]) == 0
    assert {len(array) for name, array in arrays(out).items() if name != "range"} == {n}


# --- Truncation -----------------------------------------------------------------------------------


def test_long_commands_report_their_progress(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[tuple[str, int, int | None]] = []

    def work(reporter: ProgressReporter, what: str, done: int, total: int | None) -> None:
        reported.append((what, done, total))

    monkeypatch.setattr(ProgressReporter, "work", work)
    Image.new("L", (6, 6)).save(tmp_path / "image.png")
    image, out = str(tmp_path / "image.png"), str(tmp_path / "out")
    for words, stages in (
        (["sample", "--n", "2500", "--out", f"{out}.png"], ["samples", "picture, bytes"]),
        (["sample", "--n", "3", "--out", out], ["samples", "files"]),
        (["walk", "--out", f"{out}.gif"], ["images of the walk", "frames of the film"]),
        (["walk", "--out", f"{out}.webp"], ["images of the walk", "frames of the film"]),
        (["project", image, "--steps", "2", "--out", f"{out}.png"], ["z: update"]),
        (["inpaint", image, "--steps", "2", "--out", f"{out}.png"], ["z: update"]),
    ):
        reported.clear()
        assert main([words[0], str(run), *words[1:]]) == 0
        assert list(dict.fromkeys(what for what, _, _ in reported if what != "round")) == stages
    reported.clear()
    assert main(["sample", str(run), "--n", "2500", "--out", f"{out}.npz"]) == 0
    assert [done for what, done, _ in reported] == [1000, 2000, 2500]
    G, _ = load_generator(an.open_run(run), weights="raw")
    at_once = an.sample(G, an.open_run(run).settings, 2500)
    weights = ["--weights", "raw", "--n", "2500", "--out", f"{out}.npz"]
    assert main(["sample", str(run), *weights]) == 0
    assert np.array_equal(arrays(tmp_path / "out.npz")["samples"].reshape(2500, -1), at_once)


def test_a_truncated_gaussian_has_its_distribution_and_its_order() -> None:
    z = noise(4000)
    found = priors.truncate("gaussian", z, 0.7)
    assert found.abs().max() <= 0.7
    assert kstest(found.flatten().numpy(), truncnorm(-0.7, 0.7).cdf).pvalue > 0.001
    assert torch.equal(found[:, 0].argsort(), z[:, 0].argsort())
    torch.testing.assert_close(priors.truncate("gaussian", z, 9.0), z, rtol=1e-4, atol=1e-4)


def test_a_truncated_uniform_prior_is_a_narrower_one() -> None:
    z = noise(500, "uniform")
    torch.testing.assert_close(priors.truncate("uniform", z, 0.3), z * 0.3 / 3**0.5)
    assert torch.equal(priors.truncate("uniform", z, 5.0), z)


def test_a_spherical_prior_and_an_empty_range_are_refused() -> None:
    with pytest.raises(SettingError, match="spherical"):
        priors.truncate("spherical", noise(2), 1.0)
    with pytest.raises(SettingError, match="above 0"):
        priors.truncate("gaussian", noise(2), 0.0)


# --- The command ----------------------------------------------------------------------------------


def test_noise_that_was_written_gives_the_same_samples_again(run: Path, tmp_path: Path) -> None:
    first, again, lines = tmp_path / "first.npz", tmp_path / "again.npz", tmp_path / "z.csv"
    words = ["sample", str(run), "--n", "4", "--first", "3", "--truncation", "1", "--out"]
    assert main([*words, str(first)]) == 0
    written = arrays(first)
    assert written["z"].shape == (4, 5)
    assert np.abs(written["z"]).max() <= 1
    np.save(tmp_path / "z.npy", written["z"])
    lines.write_text("\n".join(",".join(map(repr, row)) for row in written["z"].tolist()))
    for file in ("z.npy", "z.csv"):
        assert main(["sample", str(run), "--z", str(tmp_path / file), "--out", str(again)]) == 0
        assert np.array_equal(arrays(again)["samples"], written["samples"])


def test_every_command_takes_seed_class_and_checkpoint(
    with_classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "image.png"
    Image.fromarray(np.arange(0, 216, 6, dtype=np.uint8).reshape(6, 6)).save(image)
    commands: dict[str, list[str]] = {
        "sample": ["--n", "2"],
        "walk": ["--n", "1", "--points", "2", "--frames", "1"],
        "interpolate": ["--rows", "1", "--steps", "2"],
        "project": [str(image), "--steps", "1"],
    }
    for name, words in commands.items():
        out = tmp_path / f"{name}{'.gif' if name == 'walk' else '.png'}"
        seen = set()
        for shared in (["--class", "1"], ["--class", "2"], ["--class", "1", "--seed", "8"]):
            line = [name, str(with_classes), *words, *shared, "--checkpoint", "5"]
            capsys.readouterr()
            assert main([*line, "--out", str(out), "--json"]) == 0
            found = json.loads(capsys.readouterr().out)
            assert (found["round"], found["weights"]) == (5, "averaged")
            seen.add(out.read_bytes())
        assert len(seen) == 3 or name == "project"  # its best of 1,000 z may be the same


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sample RUN --z NOWHERE.npy", "cannot be read"),
        ("sample RUN --z wide.npy", "this run needs (n, 5)"),
        ("sample RUN --z empty.npy", "cannot be read"),
        ("sample RUN --z zip.npy", "no array of real numbers"),
        ("sample RUN --z complex.npy", "no array of real numbers"),
        ("sample RUN --z text.csv", "numbers separated by commas"),
        ("sample RUN --z nan.csv", "NaN or infinite"),
        ("sample RUN --z good.csv --n 3", "--z is given with --n"),
        ("sample RUN --z good.csv --truncation 1", "--z is given with --truncation"),
        ("sample RUN --truncation 0", "truncation is 0"),
        ("sample RUN --class 3", "this run has no classes"),
        ("sample RUN --seed -1", "seed is -1"),
        ("walk RUN --truncation -1", "truncation is -1"),
    ],
)
def test_bad_input_is_refused(
    line: str,
    words: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("wide.npy", np.zeros((2, 7)))
    np.save("complex.npy", np.zeros((2, 5), complex))
    np.savez("zip.npz", np.zeros((2, 5)))
    Path("zip.npz").rename("zip.npy")
    Path("empty.npy").touch()
    Path("text.csv").write_text("a,b,c,d,e\n")
    Path("nan.csv").write_text("1,2,3,4,nan\n")
    Path("good.csv").write_text("1,2,3,4,5\n")
    assert main(line.replace("RUN", str(run)).split()) == 2
    assert words in " ".join(capsys.readouterr().err.split()).replace(
        "--truncation is", "truncation is"
    )


# --- Images with alpha ----------------------------------------------------------------------------


def save_stickers(folder: Path, n: int = 12) -> None:
    """Coloured squares at different places on nothing, with arbitrary colours in clear pixels."""
    folder.mkdir()
    for i in range(n):
        values = np.full((16, 16, 4), (7 * i, 50, 90, 0), np.uint8)
        values[i // 2 : i // 2 + 8, 3:11] = (200, 10 * i, 30, 255)
        Image.fromarray(values).save(folder / f"{i}.png")


def test_alpha_is_a_channel_from_the_files_to_the_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adversarial_nets.training.estimate.seconds_per_round", lambda *_: 0.01)
    save_stickers(tmp_path / "stickers")
    data = load(f"folder:{tmp_path / 'stickers'}", size=16, channels=4)
    assert data.image_shape == (4, 16, 16)
    images = data.train.view(-1, 4, 16, 16)
    clear = images[:, 3] == 0
    assert clear.any()
    assert (images.permute(0, 2, 3, 1)[clear][:, :3] == 255).all()  # not the files' colours there
    run = tmp_path / "run"
    words = ["--size", "16", "--channels", "4", "--rounds", "3", "--batch", "4", "--run", str(run)]
    assert main(["train", f"folder:{tmp_path / 'stickers'}", *words, "--G.maps", "2"]) == 0
    singles = tmp_path / "singles"
    assert main(["sample", str(run), "--n", "2", "--out", str(singles)]) == 0
    with Image.open(singles / "sample-000001.png") as image:
        assert (image.mode, image.size) == ("RGBA", (16, 16))
        found = np.asarray(image)
    G, _ = load_generator(run)
    settings = an.open_run(run).settings
    x = an.sample(G, settings, 2)[1].view(4, 16, 16)
    expected = (x * 255).round().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(found, expected)
    with Image.open(run / "samples" / "newest.png") as sheet:  # with a white background
        shown = np.asarray(sheet.convert("RGBA").resize((sheet.width // 2, sheet.height // 2), 0))
    assert set(np.unique(shown[..., 3])) <= {0, 255}


def test_arrays_may_have_alpha() -> None:
    x = torch.arange(9 * 4 * 30, dtype=torch.int64).remainder(256).to(torch.uint8)
    first = dataset_from_arrays(x.view(9, 4, 5, 6))
    last = dataset_from_arrays(x.view(9, 4, 5, 6).permute(0, 2, 3, 1))
    assert first.image_shape == last.image_shape == (4, 5, 6)
    assert torch.equal(first.train, last.train)


def test_colour_changes_of_diffaugment_leave_alpha_alone() -> None:
    from adversarial_nets.augmentation import diff_augment

    x = noise(40, "uniform")[:, :1].expand(40, 4 * 64).sigmoid().clone()
    address = Address(3, 0, range(40))
    found = diff_augment(x, (4, 8, 8), address, "x", 1.0).view(40, 4, 64)
    alphas = found[:, 3]
    moved = (alphas != x.view(40, 4, 64)[:, 3]) & (alphas != 0.5)  # mid-grey is new or cut out
    assert not moved.any()
    assert not torch.equal(found[:, 0], found[:, 3])
