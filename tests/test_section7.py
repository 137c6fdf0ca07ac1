"""The commands of §7: images sorted into folders become classes, and a run of them is measured."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import adversarial_nets as an
from adversarial_nets.cli.main import main
from adversarial_nets.evaluation import features
from adversarial_nets.paper.section7 import conditional
from adversarial_nets.paper.section7.conditional import ConditionalScores, conditional_rows
from adversarial_nets.paper.section7.efficiency import efficiency
from adversarial_nets.paper.section7.rows import Row, read_rows, record_rows
from adversarial_nets.playground.latent_explorer import open_latent_explorer
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.state import Game
from adversarial_nets.training.diagnostics import variance_ratio
from commands import result
from small import small_data, small_settings
from test_metrics_docs import check


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dark cats and bright dogs, 8×8."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for number in range(120):
        name, low = (("cats", 0), ("dogs", 155))[number % 2]
        (folder / name).mkdir(exist_ok=True)
        pixels = random.integers(low, low + 100, (8, 8)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short conditional run."""
    folder = tmp_path_factory.mktemp("runs") / "pets"
    settings = small_settings(
        condition="classes",
        size=8,
        r1=0.1,
        optimiser="adam",
        lr=2e-3,
        momentum=0.0,
        D=dataclasses.replace(small_settings().D, keep_prob_input=1.0, keep_prob_hidden=1.0),
    )
    name = f"folder:{photos}"
    an.train(name, settings=settings, run=folder, rounds=300, progress=False)
    return folder


def test_subfolders_are_classes(photos: Path, tmp_path: Path) -> None:
    data = an.load(f"folder:{photos}", size=8)
    assert data.class_names == ("cats", "dogs")
    for split in ("train", "valid", "test"):
        bright = getattr(data, split).float().mean(1) > 127
        assert torch.equal(bright.long(), data.labels[split])
    for split, some in (("train", "?.png"), ("test", "1?.png")):  # classes below the splits
        for path in photos.rglob(some):
            copy = tmp_path / split / path.parent.name / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    given = an.load(f"folder:{tmp_path}", size=8)
    assert given.class_names == ("cats", "dogs")
    assert given.labels["test"].bincount().tolist() == [5, 5]
    Image.open(photos / "cats" / "0.png").save(tmp_path / "train" / "0.png")
    assert an.load(f"folder:{tmp_path}", size=8).labels == {}  # an image without a class


def test_samples_of_a_class(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(an.open_run(run).classes) == ["cats", "dogs"]
    npz, png = tmp_path / "s.npz", tmp_path / "s.png"
    result(capsys, "sample", str(run), "--class", "dogs", "--n", "5", "--out", str(npz))
    with np.load(npz, allow_pickle=False) as file:
        dogs, classes = file["samples"], file["classes"]
    assert classes.tolist() == [1] * 5
    result(capsys, "sample", str(run), "--class", "0", "--n", "5", "--out", str(npz))
    with np.load(npz, allow_pickle=False) as file:
        assert dogs.mean() > file["samples"].mean() + 0.2
    found = result(capsys, "sample", str(run), "--per-class", "3", "--out", str(png))
    assert (found["n"], found["classes"]) == (6, ["cats", "dogs"])
    with Image.open(png) as grid:
        assert grid.width > grid.height  # one row per class
    check(found, "sample --json")
    lines = tmp_path / "lines.png"
    words = ["--class", "cats", "--to-class", "dogs", "--rows", "1", "--steps", "3"]
    result(capsys, "interpolate", str(run), *words, "--out", str(lines))
    with Image.open(lines) as image:
        first, middle, last = np.array_split(np.asarray(image.convert("L")), 3, axis=1)
    assert first.mean() < middle.mean() < last.mean()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sample RUN --class cat", "Did you mean cats?"),
        ("sample RUN --class 2", "There is no class named '2'"),
        ("sample RUN --class cats --per-class 3", "give it alone"),
        ("sample RUN --per-class 0", "--per-class is 0"),
        ("interpolate RUN --to-class cats", "give --class"),
        ("paper section7 conditinal", "Did you mean conditional?"),
        ("paper section7 conditional RUN --shuffle-labels", "no effect on conditional RUN"),
        ("paper section7 conditional RUN --preset mnist-conditional", "conditional without RUN"),
        ("paper section7 conditional --labels 7", "an option of: few-labels"),
        (
            "paper section7 --nats 3",
            "no effect without ITEM. Leave it out; it is an option of: eff",
        ),
        ("paper section7 --joint", "an option of: inference --joint"),
        ("paper section7 --epochs 5", "inference --joint, few-labels without RUN"),
        ("paper section7 inference RUN --epochs 5", "no effect on inference RUN"),
        ("paper section7 inference --joint --steps 3", "no effect on inference --joint"),
        ("paper section7 inference --joint --data grid --epochs 5", "--joint --data grid"),
        ("paper section7 filling-in RUN --seed 3", "--seed has no effect on filling-in RUN"),
        ("paper section7 few-labels RUN --epochs 3", "--epochs has no effect on few-labels RUN"),
        ("paper section7 efficiency --images 3", "an option of: filling-in RUN"),
        ("paper section7 nothing --images 3", "no item of §7 named 'nothing'"),
        ("measure RUN --size 8", "--size has no effect on a run's samples"),
        ("measure mnist-5k --samples RUN --channels 3", "--channels has no effect on a run's"),
        ("measure mnist-5k --samples RUN --data mnist", "since mnist-5k itself names"),
        ("measure mnist-5k --samples FOLDER --weights raw", "FOLDER is not a run. Leave it out"),
        ("paper section7 conditional RUN RUN", "have the same seed"),
        ("paper section7 efficiency --nats nan", "--nats is nan"),
        ("paper section7 conditional RUN --per-class 1", "--per-class is 1; it must be 2 or more"),
        ("train mnist-5k --D.class-units 3", "needs condition classes"),
        ("train mnist-5k --D.projection", "needs condition classes"),
    ],
)
def test_mistakes(line: str, words: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.replace("RUN", str(run)).split()) == 2
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.draws
def test_section7_prints_what_it_measured(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(features, "STEPS", 150)
    assert result(capsys, "paper", "section7") == {"rows": []}
    words = ("conditional", str(run), "--per-class", "50")
    found = result(capsys, "paper", "section7", *words)
    check(found, "paper section7 --json")
    assert result(capsys, "paper", "section7") == {"rows": found["rows"]}
    ours = {row["measure"]: row["ours"] for row in found["rows"]}  # type: ignore[attr-defined]
    assert ours["alignment"] > 0.9 > ours["alignment, classes permuted"]
    assert (tmp_path / "runs/paper/section7/conditional.png").stat().st_size > 500
    an.export_generator(run, tmp_path / "G")
    of_G = ("conditional", str(tmp_path / "G"), "--per-class", "50", "--out", str(tmp_path / "x"))
    fewer = result(capsys, "paper", "section7", "conditional", str(run), "--per-class", "20")
    both = result(capsys, "paper", "section7")["rows"]
    assert both == [*found["rows"], *fewer["rows"]]  # type: ignore[misc]
    assert {r["details"].partition("seed 0, ")[2] for r in both} == {
        "50 samples of each class",
        "20 samples of each class",
    }
    exported = result(capsys, "paper", "section7", *of_G, "--data", an.open_run(run).data)
    assert exported["runs"] == found["runs"]
    assert {row["seconds"] for row in exported["rows"]} == {None}  # type: ignore[attr-defined]


def test_a_newer_row_replaces_an_older_one(tmp_path: Path) -> None:
    first = Row("conditional", "m", "alignment", "mnist", 0.5, None, 1)
    other = dataclasses.replace(first, measure="Parzen, nats")
    newer = dataclasses.replace(first, ours=0.9, spread=0.1, seeds=3)
    path = tmp_path / "new" / "rows.json"
    record_rows(path, [first, other])
    record_rows(path, [newer])
    assert read_rows(path) == [other, newer]
    path.write_text("{")
    with pytest.raises(an.UserError, match="damaged"):
        read_rows(path)


def test_rows_of_earlier_versions_with_the_outcome_in_their_name(tmp_path: Path) -> None:
    old = Row("efficiency", "k = 2, raw G (0 of 3 seeds reach it)", "rounds", "mnist", 9.0, None, 3)
    path = tmp_path / "rows.json"
    record_rows(path, [old])
    (found,) = read_rows(path)
    assert (found.model, found.reached, found.name) == ("k = 2, raw G", 0, old.model)
    record_rows(path, [dataclasses.replace(found, ours=4.0, reached=3)])
    (newer,) = read_rows(path)
    assert newer.name == "k = 2, raw G"


@pytest.fixture
def _short_games(monkeypatch: pytest.MonkeyPatch) -> None:
    """Games are scored every 5 rounds, and few rounds are timed."""
    for name, value in (("SCORE_EVERY", 5), ("TURNS", 1), ("TIMED_ROUNDS", 2)):
        monkeypatch.setattr(f"adversarial_nets.paper.section7.efficiency.{name}", value)


@pytest.mark.usefixtures("_short_games")
def test_efficiency_does_not_take_over_games_of_other_settings_or_length(tmp_path: Path) -> None:
    def play(rounds: int, nats: float = 1e9, **changes: object) -> list[float]:
        base = dataclasses.replace(small_settings(), **changes)  # type: ignore[arg-type]
        how = {"variants": ["as it is"], "seeds": [0], "base": base, "rounds": rounds}
        found, _ = efficiency(small_data(), tmp_path, nats=nats, **how)  # type: ignore[arg-type]
        return [row.ours for row in found]

    play(10)
    assert play(5)[0] == 5  # rounds beyond the limit do not count
    with pytest.raises(an.UserError, match="batch"):
        play(10, nats=-1e9, batch=7)


def test_scores_of_real_images_as_if_they_were_samples(
    photos: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training images of the requested class have the classifier's accuracy and variance 1."""
    monkeypatch.setattr(features, "STEPS", 150)
    data = an.load(f"folder:{photos}", size=8)
    accuracy = features.classifier(data).accuracy

    def real(*args: object, c: torch.Tensor, **options: object) -> torch.Tensor:
        x, labels = data.floats(data.train), data.labels["train"]
        seen = [0, 0]
        rows = []
        for i in c.tolist():
            rows.append(x[labels == i][seen[i]])
            seen[i] += 1
        return torch.stack(rows)

    monkeypatch.setattr(conditional, "sample", real)
    scores = conditional.score_conditional(run, data, per_class=40)
    assert scores.alignment == pytest.approx(accuracy, abs=0.05)
    assert scores.variance == pytest.approx(1, abs=0.1)
    assert scores.control == pytest.approx(scores.chance, abs=0.2)


def test_shuffled_labels_keep_the_shares(photos: Path) -> None:
    data = an.load(f"folder:{photos}", size=8)
    shuffled = conditional.shuffle_labels(data)
    assert torch.equal(shuffled.labels["train"].bincount(), data.labels["train"].bincount())
    assert not torch.equal(shuffled.labels["train"], data.labels["train"])


@pytest.mark.draws
@pytest.mark.usefixtures("_short_games")
def test_efficiency_notes_when_each_game_reaches_the_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adversarial_nets.paper.section7.efficiency.LOOK_EVERY", 1)

    def play(nats: float) -> list[Row]:
        found, picture = efficiency(
            small_data(),
            tmp_path,
            nats=nats,
            rounds=10,
            seeds=[0, 1],
            variants=["as it is", "k = 2"],
            base=small_settings(),
        )
        assert picture.stat().st_size > 500
        return found

    low = play(-1e9)
    games = tmp_path / "runs"
    assert [len(read_metrics(game)) for game in games.iterdir()] == [1] * 4  # each ended early
    high = play(1e9)  # the same games go on
    assert [len(read_metrics(game)) for game in games.iterdir()] == [2] * 4
    assert [(row.ours, row.spread, row.seeds) for row in low[::2]] == [(5.0, 0.0, 2)] * 4
    assert [row.ours for row in high[::2]] == [10.0] * 4
    times = [row.ours / of.ours for of, row in zip(high[::2], high[1::2], strict=True)]
    assert times[0] == times[1] > 0  # both weights come from one game, so a round takes as long
    assert high[0].name == "as it is, raw G (0 of 2 seeds reach it)"
    assert [(row.model, row.reached) for row in high[:1]] == [("as it is, raw G", 0)]
    with pytest.raises(an.UserError, match="Did you mean k = 5"):
        efficiency(small_data(), tmp_path, nats=0.0, rounds=1, variants=["k = 6"])


@pytest.mark.usefixtures("_short_games")
@pytest.mark.parametrize("after", [0, 5])
def test_a_game_that_diverges_counts_as_one_that_never_reaches_the_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """The other games go on, and the mean does not profit from the early end."""

    def nan_with_k_2(game: Game, data: an.Dataset) -> float:
        diverged = game.settings.k == 2 and game.round > after
        return float("nan") if diverged else variance_ratio(game, data)

    monkeypatch.setattr("adversarial_nets.training.loop.variance_ratio", nan_with_k_2)
    found, _ = efficiency(
        small_data(),
        tmp_path,
        nats=1e9,
        rounds=10,
        seeds=[0],
        variants=["as it is", "k = 2"],
        base=small_settings(),
    )
    assert [row.ours for row in found[::2]] == [10.0] * 4
    assert found[-1].name == "k = 2, averaged G (0 of 1 seeds reach it)"
    (diverged,) = (tmp_path / "runs").glob("*-k-=-2-0")
    assert len(read_metrics(diverged)) == after // 5


def test_the_trained_run_board_shows_the_classes(run: Path) -> None:
    explorer = open_latent_explorer(run)
    assert torch.equal(explorer.z[:4, -2:], torch.eye(2).repeat(2, 1))
    json.dumps(explorer.images_at({"a": 0, "b": 1, "t": 0.5, "offsets": [1.0]}))
    assert not explorer.directions[:, -2:].any()


def test_each_measure_of_a_conditional_run_is_in_its_own_row() -> None:
    scores = ConditionalScores(5, "raw", 50, -3.0, 0.5, 0.2, 0.11, 0.22, 0.33, 0.1, 0.44, {})
    rows = conditional_rows([scores], "m", "small", [])
    assert {row.measure: row.ours for row in rows} == {
        "Parzen, nats": -3.0,
        "alignment": 0.11,
        "accuracy on real images": 0.22,
        "alignment, classes permuted": 0.33,
        "variance within classes": 0.44,
    }
