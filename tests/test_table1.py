"""Table 1: what is recorded is not made again, and every row is scored by the same call."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from adversarial_nets.baselines import ROWS, Chains, vae
from adversarial_nets.cli.main import main
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import parzen_score
from adversarial_nets.paper import table1
from adversarial_nets.random import Address
from adversarial_nets.runs.folder import Run, open_run
from adversarial_nets.training.session import train
from small import SMALL_MODELS, small_data, small_settings

KEYS = {
    "model",
    "dataset",
    "grid",
    "nats",
    "se",
    "sigma",
    "seeds",
    "published",
    "train_seconds",
    "samples_per_second",
    "steps_per_sample",
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small images and few samples."""
    monkeypatch.setattr("adversarial_nets.datasets.load", lambda name, **_: small_data())
    monkeypatch.setattr(table1, "SAMPLES", 200)
    monkeypatch.setattr(table1, "_SEARCH_SAMPLES", 100)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run of the adversarial nets."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    return train(small_data(), settings=small_settings(), run=folder, rounds=20)


def test_every_kind_of_row(tmp_path: Path, run: Run) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    rows = ("stacked-cae", "vae", "pca-gaussian", "adversarial-nets", "references")
    table = table1.table1(["small"], tmp_path, rows=rows, quick=True, run=run.folder)
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before
    assert [result.model for result in table.results] == [
        "Stacked CAE",
        "Stacked CAE, one chain",
        "VAE",
        "PCA Gaussian",
        "Adversarial nets",
        "Adversarial nets, averaged weights",
        "training images",
        "k-means",
        "mean image",
    ]
    steps = {result.model: result.steps_per_sample for result in table.results}
    assert steps["Stacked CAE"] == 100 * (100 + 10 * 2) / 200
    assert steps["Stacked CAE, one chain"] == steps["VAE"] == steps["Adversarial nets"] == 1
    assert steps["mean image"] is None
    assert {row for row, _ in table.missing} == set(table1.NAMES) - set(rows)  # not asked for
    for file in table.files:
        assert file.stat().st_size > 400
    page = (tmp_path / "table1.html").read_text()
    assert page.count("<tr>") == 1 + len(table.results)
    assert page.count('alt="A path of') == 4
    assert "://" not in page
    assert json.loads((tmp_path / "table1.json").read_text())["rows"][0].keys() >= KEYS


@pytest.mark.parametrize("name", list(ROWS))
def test_every_model_is_fitted_scored_and_drawn(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores, and so the chosen checkpoint, are of the last phase: before, there is no model."""
    short = {"chains": Chains(5, 3, 1), "_QUICK_SEARCH": Chains(5, 3, 1), "SAMPLES": 50}
    row = dataclasses.replace(ROWS[name], quick=SMALL_MODELS[name])
    row = dataclasses.replace(row, score_every=min(row.score_every, 1))
    monkeypatch.setattr(table1, "ROWS", dict(ROWS) | {name: row})
    monkeypatch.setattr(table1, "_QUICK", short.pop("chains"))
    for attribute, value in short.items():
        monkeypatch.setattr(table1, attribute, value)
    table = table1.table1(["small"], tmp_path, rows=[name], quick=True)
    one_chain = [f"{row.name}, one chain"] if row.is_chain else []
    assert [result.model for result in table.results] == [row.name, *one_chain]
    folder = tmp_path / "small" / f"{name}-0"
    if row.score_every:
        metrics = [json.loads(x) for x in (folder / "metrics.jsonl").read_text().splitlines()]
        scored = ["valid_nats" in x for x in metrics]
        phases = {"dbn": 2, "gmmn-autoencoder": 2, "dbm": 3}.get(name, 1)
        assert scored.index(True) == phases - 1
        assert all(scored[phases - 1 :])
    paths = len(list(folder.glob("*-path.png")))
    assert paths == (row.is_chain or row.decode is not None)


def test_a_row_is_scored_as_the_protocol_says(tmp_path: Path) -> None:
    data = small_data()
    table = table1.table1(["small"], tmp_path, rows=["vae"], quick=True, seeds=1)
    settings = ROWS["vae"].quick
    folder = tmp_path / "small" / "vae-0"
    found = table.results[0]
    best = max(
        (json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()),
        key=lambda row: row.get("valid_nats", -1e9),
    )
    assert f"round {best['round']:,}" in found.note
    assert best["round"] == settings.epochs * 2  # here the last of the scored ones is the best
    model = vae.fit(data.floats(data.train), settings)
    score = parzen_score(vae.sample(model, 200), data.floats(data.valid), data.floats(data.test))
    assert (found.nats, found.sigma) == (score.nats, score.sigma)


def test_what_is_recorded_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = table1.table1(["small"], tmp_path, rows=["pca-gaussian"], quick=True)
    monkeypatch.setattr(table1, "_model", None)
    again = table1.table1(["small"], tmp_path, rows=["pca-gaussian"], quick=True)
    assert again == first
    assert table1.recorded(tmp_path, rows=["pca-gaussian"]).results == first.results
    with pytest.raises(UserError, match="There is no row named 'pca'"):
        table1.recorded(tmp_path, rows=["pca"])
    with pytest.raises(UserError, match="holds a PCA Gaussian of Table 1"):
        open_run(tmp_path / "small" / "pca-gaussian-0")
    with pytest.raises(UserError, match="--out"):  # a quick row is no full one
        table1.table1(["small"], tmp_path, rows=["pca-gaussian"])


def test_a_run_that_was_named_is_not_taken_for_another(tmp_path: Path, run: Run) -> None:
    rows = ["adversarial-nets"]
    made = table1.table1(["small"], tmp_path, rows=rows, quick=True, run=run.folder)
    assert made.results[1].note.startswith("preset")
    assert "for the raw G" in made.results[1].note
    assert table1.table1(["small"], tmp_path, rows=rows, quick=True) == made
    with pytest.raises(UserError, match="made with run"):
        table1.table1(["small"], tmp_path, rows=rows, quick=True, run=tmp_path / "another")


def test_seeds_are_averaged_and_their_spread_stands_beside(tmp_path: Path) -> None:
    table = table1.table1(["small"], tmp_path, rows=["pca-gaussian"], quick=True, seeds=3)
    (result,) = table.results
    records = [
        json.loads((tmp_path / "small" / f"pca-gaussian-{seed}" / "score-paper.json").read_text())
        for seed in range(3)
    ]
    nats = torch.tensor([record["rows"][0]["nats"] for record in records], dtype=torch.float64)
    assert result.seeds == 3
    assert result.nats == pytest.approx(nats.mean().item())
    assert result.spread == pytest.approx(nats.std().item())
    assert "over 3 seeds" in table1.as_text(table)


def test_a_run_that_is_read_is_one_seed(tmp_path: Path, run: Run) -> None:
    table = table1.table1(["small"], tmp_path, rows=["adversarial-nets"], run=run.folder, seeds=3)
    assert {(result.seeds, result.spread) for result in table.results} == {(1, None)}


def test_mistakes_are_sentences(tmp_path: Path, run: Run) -> None:
    with pytest.raises(UserError, match="no row named 'gsn'"):
        table1.table1(["small"], tmp_path, rows=["gsn"])
    with pytest.raises(UserError, match="--seeds is 0"):
        table1.table1(["small"], tmp_path, seeds=0)
    table1.table1(["small"], tmp_path, rows=["vae"], quick=True)
    (tmp_path / "small" / "vae-0" / "score-paper.json").unlink()
    with pytest.raises(UserError, match="another settings"):
        table1.table1(["small"], tmp_path, rows=["vae"])
    (tmp_path / "small" / "vae-0" / "score-paper.json").write_text("{}")
    with pytest.raises(UserError, match="damaged"):
        table1.recorded(tmp_path)


def test_another_runs_data_is_refused(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adversarial_nets.datasets.load", lambda name, **_: small_data(n=200))
    with pytest.raises(UserError, match="was not trained on"):
        table1.table1(["small"], tmp_path, rows=["adversarial-nets"], run=run.folder)


def test_the_command_prints_what_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = ["--out", str(tmp_path / "t")]
    assert main(["table1", "--json", *out]) == 2
    assert "Nothing is recorded" in capsys.readouterr().err
    assert main(["table1", "--rows", "nope", *out]) == 2
    assert main(["table1", "--quick", "--rows", "pca-gaussian", *out]) == 0
    text = capsys.readouterr().out
    assert "PCA Gaussian" in text
    assert "steps/sample" in text
    assert main(["table1", "--json", *out]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row.keys() >= KEYS
    assert row["model"] == "PCA Gaussian"


def test_rows_that_are_not_there_are_named(tmp_path: Path) -> None:
    table1.table1(["small"], tmp_path, rows=["pca-gaussian"], quick=True)
    text = table1.as_text(table1.recorded(tmp_path, ["small"], ["dbn", "pca-gaussian"]))
    assert any(line.split() == ["DBN", "not", "yet"] for line in text.splitlines())


def test_the_generator_of_an_address_is_its_own() -> None:
    one = Address(1, 2, range(1)).generator("a")
    same = Address(1, 2, range(1)).generator("a")
    others = [
        Address(2, 2, range(1)).generator("a"),
        Address(1, 3, range(1)).generator("a"),
        Address(1, 2, range(1)).generator("b"),
    ]
    x = torch.rand(4, generator=one)
    assert x.equal(torch.rand(4, generator=same))
    assert not any(x.equal(torch.rand(4, generator=other)) for other in others)
