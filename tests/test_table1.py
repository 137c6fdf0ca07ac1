"""Table 1: every row is fitted, sampled, scored and recorded once; records are read again."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from adversarial_nets.baselines import (
    BASELINES,
    Baseline,
    ChainSampler,
    ChainSettings,
    vae,
)
from adversarial_nets.cli.main import main
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import parzen_score
from adversarial_nets.paper import table1
from adversarial_nets.paper.table1 import make, pictures, record, rows
from adversarial_nets.presets import PRESETS
from adversarial_nets.random import Address
from adversarial_nets.report.exported import export_generator
from adversarial_nets.runs.folder import Run, open_run
from adversarial_nets.training.session import train
from small import SMALL_MODELS, small_data, small_settings

KEYS = {"model", "dataset", "grid", "nats", "se", "sigma", "seeds", "published"}
KEYS |= {"train_seconds", "samples_per_second", "steps_per_sample"}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small images and few samples."""
    monkeypatch.setattr("adversarial_nets.datasets.load", lambda name, **_: small_data())
    monkeypatch.setattr(rows, "SAMPLES", 200)
    monkeypatch.setattr(rows, "VALIDATION_SAMPLES", 100)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run of the adversarial nets."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    return train(small_data(), settings=small_settings(), run=folder, rounds=20)


@pytest.mark.draws
def test_every_kind_of_row(tmp_path: Path, run: Run) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    names = ("stacked-cae", "vae", "pca-gaussian", "adversarial-nets", "references")
    table = table1.table1(["small"], tmp_path, rows=names, quick=True, run=run.folder)
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before
    assert [result.model for result in table.results] == [
        "Stacked CAE",
        "Stacked CAE, one chain",
        "VAE",
        "PCA Gaussian",
        "Adversarial nets, custom settings",
        "Adversarial nets, custom settings, averaged weights",
        "training images",
        "k-means",
        "mean image",
    ]
    steps = {result.model: result.steps_per_sample for result in table.results}
    assert steps["Stacked CAE"] == 100 * (100 + 10 * 2) / 200
    assert steps["Stacked CAE, one chain"] == steps["VAE"] == 1
    assert steps["Adversarial nets, custom settings"] == 1
    assert steps["mean image"] is None
    assert {result.states_in_class for result in table.results} == {None}  # no classes
    assert {row for row, _ in table.missing} == set(table1.NAMES) - set(names)  # not asked for
    for file in table.files:
        assert file.stat().st_size > 400
    page = (tmp_path / "table1.html").read_text()
    assert page.count("<tr>") == 1 + len(table.results)
    assert page.count('alt="A path of') == 4
    assert "://" not in page
    assert json.loads((tmp_path / "table1.json").read_text())["rows"][0].keys() >= KEYS


def test_mixing_is_the_length_of_runs_of_one_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three ones, a two, two ones: three runs of six samples."""
    data = small_data()
    labels = {
        split: torch.zeros(len(getattr(data, split)), dtype=torch.int64)
        for split in ("train", "test")
    }
    data = dataclasses.replace(data, labels=labels)
    found = torch.tensor([1, 1, 1, 2, 1, 1])
    fixed = SimpleNamespace(classes=lambda x: found)
    monkeypatch.setattr(rows, "classifier", lambda data, on_progress: fixed)
    options = rows.Options("paper", quick=True, run=None, on_progress=None)

    def mixing(successive: bool) -> float | None:
        samples = data.floats(data.train[:6])
        return rows._score(
            "x", data, samples, options, note="", successive=successive
        ).states_in_class

    assert mixing(True) == 2
    assert mixing(False) is None  # of several chains
    results = [
        rows._score("x", data, data.floats(data.train[:6]), options, note="", successive=True)
    ]
    found.fill_(0)
    results.append(dataclasses.replace(results[0], states_in_class=mixing(True)))
    assert record._mean_over_seeds(results).states_in_class == (2 + 6) / 2


@pytest.mark.parametrize("name", list(BASELINES))
def test_every_baseline_is_fitted_scored_and_drawn(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation scores belong to the last phase of a fit: before, the model is incomplete."""
    baseline = BASELINES[name]
    baseline = dataclasses.replace(
        baseline,
        quick_settings=SMALL_MODELS[name],
        score_every_epochs=min(baseline.score_every_epochs, 1),
    )
    monkeypatch.setitem(BASELINES, name, baseline)
    monkeypatch.setattr(rows, "QUICK_CHAINS", ChainSettings(5, 3, 1))
    monkeypatch.setattr(rows, "QUICK_VALIDATION_CHAINS", ChainSettings(5, 3, 1))
    monkeypatch.setattr(rows, "SAMPLES", 50)
    table = table1.table1(["small"], tmp_path, rows=[name], quick=True)
    is_chain = isinstance(baseline.sample, ChainSampler)
    one_chain = [f"{baseline.title}, one chain"] if is_chain else []
    assert [result.model for result in table.results] == [baseline.title, *one_chain]
    folder = tmp_path / "small" / f"{name}-0"
    if baseline.score_every_epochs:
        metrics = [json.loads(x) for x in (folder / "metrics.jsonl").read_text().splitlines()]
        scored = ["valid_nats" in x for x in metrics]
        phases = {"dbn": 2, "gmmn-autoencoder": 4, "dbm": 3}.get(name, 1)
        assert scored.index(True) == phases - 1
        assert all(scored[phases - 1 :])
    paths = len(list(folder.glob("*-path.png")))
    assert paths == (is_chain or baseline.decode is not None)


def test_a_row_is_scored_as_the_protocol_says(tmp_path: Path) -> None:
    data = small_data()
    table = table1.table1(["small"], tmp_path, rows=["vae"], quick=True, seeds=1)
    settings = BASELINES["vae"].settings_for(0, quick=True)
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


def test_recorded_rows_are_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = table1.table1(["small"], tmp_path, rows=["pca-gaussian"], quick=True)
    monkeypatch.setattr(make, "make_row", None)
    again = table1.table1(["small"], tmp_path, rows=["pca-gaussian"], quick=True)
    assert again == first
    assert table1.recorded(tmp_path, rows=["pca-gaussian"]).results == first.results
    with pytest.raises(UserError, match="There is no row named 'pca'"):
        table1.recorded(tmp_path, rows=["pca"])
    with pytest.raises(UserError, match="is a run of PCA Gaussian, a baseline of Table 1"):
        open_run(tmp_path / "small" / "pca-gaussian-0")
    with pytest.raises(UserError, match="another output folder"):  # the record is of a quick row
        table1.table1(["small"], tmp_path, rows=["pca-gaussian"])


def test_a_row_of_other_images_or_settings_is_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ["pca-gaussian"]
    table1.table1(["small"], tmp_path, rows=rows)
    pca = BASELINES["pca-gaussian"]
    with monkeypatch.context() as patch:
        other = dataclasses.replace(pca.settings, components=2)
        patch.setitem(BASELINES, "pca-gaussian", dataclasses.replace(pca, settings=other))
        with pytest.raises(UserError, match="was made with components = 400, not 2"):
            table1.table1(["small"], tmp_path, rows=rows)
    changed = dataclasses.replace(small_data(), train=255 - small_data().train)
    monkeypatch.setattr("adversarial_nets.datasets.load", lambda name, **how: changed)
    with pytest.raises(UserError, match="was made of other images"):
        table1.table1(["small"], tmp_path, rows=rows)


def test_a_recorded_run_is_not_mistaken_for_another(tmp_path: Path, run: Run) -> None:
    names = ["adversarial-nets"]
    made = table1.table1(["small"], tmp_path, rows=names, quick=True, run=run.folder)
    assert made.results[1].note.startswith("custom, from quickstart (")
    assert "for the raw G" in made.results[1].note
    assert table1.table1(["small"], tmp_path, rows=names, quick=True, run=run.folder) == made
    with pytest.raises(UserError, match="made with run"):
        table1.table1(["small"], tmp_path, rows=names, quick=True, run=tmp_path / "another")


def test_scores_are_averaged_over_seeds_and_their_spread_is_given(tmp_path: Path) -> None:
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


def test_records_of_different_models_have_no_mean(tmp_path: Path) -> None:
    table1.table1(["small"], tmp_path, rows=["pca-gaussian"], quick=True, seeds=2)
    file = tmp_path / "small" / "pca-gaussian-1" / "score-paper.json"
    content = json.loads(file.read_text())
    content["made"]["quick"] = False
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"pca-gaussian-1.* was made with quick = False, not True"):
        table1.recorded(tmp_path)


def test_a_sigma_at_the_edge_is_reported_whichever_seed_has_it() -> None:
    one = record.Result(
        *("VAE", "small", "paper", 200.0, 2.0, 0.2, False, 1, None, None),
        *(200, 60.0, 5.0, 1.0, ""),
    )
    two = dataclasses.replace(one, nats=150.0, sigma=0.1, at_edge=True, train_seconds=80.0)
    mean = record._mean_over_seeds([one, two])
    assert mean.at_edge
    assert mean.nats == 175
    assert mean.sigma == pytest.approx(0.15)
    assert mean.train_seconds == 70


@pytest.mark.parametrize("n", [3, 7, 9, 23])
def test_any_number_of_samples_has_a_picture(n: int, tmp_path: Path) -> None:
    data = small_data()
    pictures.write_samples(data.floats(data.test[:n]), data, tmp_path, "few")
    assert (tmp_path / "few-figure2.png").exists()


def test_rows_whose_names_begin_alike_are_told_apart(tmp_path: Path) -> None:
    table1.table1(["small"], tmp_path, rows=["pca-gaussian"], quick=True)
    folder = tmp_path / "small"
    shutil.copytree(folder / "pca-gaussian-0", folder / "pca-gaussian-2-0")
    assert [
        result.seeds for result in table1.recorded(tmp_path, rows=["pca-gaussian"]).results
    ] == [1]
    both = table1.recorded(tmp_path, rows=["pca-gaussian", "pca-gaussian-2"])
    assert len(both.results) == 2


def test_a_given_run_counts_as_one_seed(tmp_path: Path, run: Run) -> None:
    table = table1.table1(["small"], tmp_path, rows=["adversarial-nets"], run=run.folder, seeds=3)
    assert {(result.seeds, result.spread) for result in table.results} == {(1, None)}
    with pytest.raises(UserError, match="was made with run"):
        table1.table1(["small"], tmp_path, rows=["adversarial-nets"])


@pytest.mark.parametrize("name", ["G", "G.onnx"])
def test_an_exported_generator_is_scored_like_its_run(tmp_path: Path, run: Run, name: str) -> None:
    pytest.importorskip("onnxruntime")
    rows = ["adversarial-nets"]
    whole = table1.table1(["small"], tmp_path / "whole", rows=rows, run=run).results[1]
    file = export_generator(run, tmp_path / name, checkpoint="best", weights="averaged")
    (result,) = table1.table1(["small"], tmp_path / "exported", rows=rows, run=file).results
    assert (result.model, result.train_seconds) == (whole.model, None)
    assert result.nats == pytest.approx(whole.nats, rel=1e-4)
    assert f"round {file.exported['round']}, exported; one pass" in result.note


def test_mistakes_are_explained(tmp_path: Path, run: Run) -> None:
    with pytest.raises(UserError, match="no row named 'gsn'"):
        table1.table1(["small"], tmp_path, rows=["gsn"])
    with pytest.raises(UserError, match=r"^seeds is 0"):
        table1.table1(["small"], tmp_path, seeds=0)
    table1.table1(["small"], tmp_path, rows=["vae"], quick=True)
    (tmp_path / "small" / "vae-0" / "score-paper.json").unlink()
    with pytest.raises(UserError, match="another settings"):
        table1.table1(["small"], tmp_path, rows=["vae"])
    (tmp_path / "small" / "vae-0" / "score-paper.json").write_text("{}")
    with pytest.raises(UserError, match="damaged"):
        table1.recorded(tmp_path)


def baseline(sample: Any) -> Baseline[Any, Any]:
    """A model without parameters."""
    return Baseline("Mine", lambda images, settings, session: None, sample, vae.Settings())


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("sample", "says"),
    [
        (lambda model, n, seed: torch.rand(5, 36), r"float32 of shape \(5, 36\)"),
        (lambda model, n, seed: torch.rand(n, 1, 6, 6), r"float32 of shape \(200, 1, 6, 6\)"),
        (lambda model, n, seed: torch.zeros(n, 36).byte(), "uint8 of shape"),
        (lambda model, n, seed: None, "NoneType"),
    ],
)
def test_samples_of_another_number_or_type_are_not_recorded(
    sample: Any, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BASELINES, "mine", baseline(sample))
    with pytest.raises(UserError, match=rf"sample of Mine returned .*{says}.*\(200, 36\)"):
        table1.table1("small", tmp_path, rows="mine")
    assert not list(tmp_path.rglob("score-*"))


@pytest.mark.usefixtures("_as_users_run_it")
def test_samples_may_be_an_array_doubles_or_require_gradients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = Address(0, 0, range(200)).uniform("samples", 36)
    forms = (samples, samples.numpy(), samples.double(), samples.clone().requires_grad_())
    scores = []
    for i, form in enumerate(forms):
        monkeypatch.setitem(BASELINES, "mine", baseline(lambda model, n, seed, x=form: x))
        (result,) = table1.table1("small", str(tmp_path / str(i)), rows="mine").results
        scores.append(result.nats)
    assert scores == [scores[0]] * 4


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"seeds": [0, 1]}, r"seeds is \[0, 1\]; it must be a whole number, 1 or more"),
        ({"data": small_data()}, "data has a Dataset; give names of data sets"),
        ({"grid": 0.2}, "no grid of σ named 0.2"),
        ({"grid": "papr"}, "Did you mean paper"),
        ({"rows": "mine"}, r"BASELINES\['mine'\] is of type int; it must be a Baseline"),
    ],
)
def test_other_arguments_are_refused_before_anything_is_fitted(
    how: Any, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BASELINES, "mine", 3)
    monkeypatch.setattr(make, "make_row", None)
    with pytest.raises(UserError, match=says):
        table1.table1(**{"data": "small", "out": tmp_path, "rows": "pca-gaussian"} | how)


def test_a_run_on_other_data_is_refused(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adversarial_nets.datasets.load", lambda name, **_: small_data(n=200))
    with pytest.raises(UserError, match="not on small"):
        table1.table1(["small"], tmp_path, rows=["adversarial-nets"], run=run.folder)


def test_the_command_prints_the_recorded_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = ["--out", str(tmp_path / "t")]
    assert main(["table1", "--json", *out]) == 2
    assert "Nothing is recorded" in capsys.readouterr().err
    assert main(["table1", "--rows", "nope", *out]) == 2
    assert main(["table1", "--seeds", "0", *out]) == 2
    assert "--seeds is 0; it must be 1 or more" in capsys.readouterr().err
    assert main(["table1", "--quick", "--rows", "pca-gaussian", *out]) == 0
    text = capsys.readouterr().out
    assert "PCA Gaussian" in text
    assert "steps/sample" in text
    assert main(["table1", "--json", *out]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row.keys() >= KEYS
    assert row["model"] == "PCA Gaussian"


def test_without_records_the_command_chooses_from_the_published_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ("DBN", "DBN, one chain", "Adversarial nets, averaged weights", "k-means")
    lines = [
        {"model": model, "dataset": data, "grid": "paper"}
        for data in ("mnist", "tfd-standin")
        for model in models
    ]
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "table1.json").write_text(json.dumps({"rows": lines}))
    monkeypatch.chdir(tmp_path)

    def chosen(*options: str) -> list[str]:
        assert main(["table1", "--json", *options]) == 0
        return [row["model"] for row in json.loads(capsys.readouterr().out)["rows"]]

    assert chosen() == [*models, *models]
    assert chosen("--data", "mnist") == [*models]
    assert chosen("--data", "mnist", "--rows", "dbn") == [*models[:2]]
    assert chosen("--data", "mnist", "--rows", "adversarial-nets", "references") == [*models[2:]]
    assert main(["table1", "--json", "--grid", "fine"]) == 2
    assert "Nothing is recorded" in capsys.readouterr().err


@pytest.mark.parametrize(("quick", "preset"), [(True, "quickstart"), (False, "mnist")])
def test_the_quick_table_trains_small_adversarial_nets_on_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, quick: bool, preset: str
) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(rows, "train", lambda data, **given: asked.update(given) or run)
    data = dataclasses.replace(small_data(), name="mnist")
    options = rows.Options("paper", quick=quick, run=None, on_progress=None)
    rows._trained_run(data, 3, tmp_path / "new", options)
    assert asked["preset"] == preset
    assert asked["settings"] == dataclasses.replace(PRESETS[preset].settings, seed=3)


def test_missing_rows_are_listed(tmp_path: Path) -> None:
    table1.table1(["small"], tmp_path, rows=["pca-gaussian"], quick=True)
    text = table1.as_text(table1.recorded(tmp_path, ["small"], ["dbn", "pca-gaussian"]))
    assert any(line.split() == ["DBN", "not", "yet"] for line in text.splitlines())


def test_the_names_of_rows_are_those_of_the_baselines() -> None:
    """They are listed in `record`, which does not import the baselines."""
    assert (*BASELINES, "adversarial-nets", "references") == table1.NAMES


def test_reading_records_imports_no_torch(tmp_path: Path) -> None:
    table1.table1(["small"], tmp_path, rows=["pca-gaussian"], quick=True)
    program = (
        "import sys; from adversarial_nets.cli.main import main; code = main(sys.argv[1:]); "
        "assert 'torch' not in sys.modules; sys.exit(code)"
    )
    command = [sys.executable, "-c", program, "table1", "--json", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [row["model"] for row in json.loads(done.stdout)["rows"]] == ["PCA Gaussian"]


def test_a_record_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """A record as version 0.1.0 wrote it."""
    folder = tmp_path / "mnist" / "dbn-0"
    folder.mkdir(parents=True)
    row = {
        "model": "DBN",
        "dataset": "mnist",
        "grid": "paper",
        "nats": 198.4776103411739,
        "se": 2.2142019228837375,
        "sigma": 0.16681005372000587,
        "at_edge": False,
        "seeds": 1,
        "spread": None,
        "published": 138.0,
        "samples": 10000,
        "train_seconds": 816.4,
        "samples_per_second": 108.63359693909828,
        "steps_per_sample": 110.0,
        "note": "round 17,500, the best on validation images",
    }
    old = {
        "format": 1,
        "image_shape": [1, 28, 28],
        "rows": [row],
        "made": {"quick": False},
        "made_with": {"adversarial_nets": "0.1.0"},
    }
    (folder / "score-paper.json").write_text(json.dumps(old))
    table = table1.recorded(tmp_path, rows=["dbn"])
    assert table.to_json() == {"rows": [row | {"states_in_class": None}]}
    assert "198.5 ± 2.2        138  0.167   14 min" in table1.as_text(table)


def test_only_the_preset_of_the_data_counts_as_the_published_game(run: Run) -> None:
    preset = dataclasses.replace(run, data="mnist", preset="mnist", changed={}, info={})
    assert preset.is_preset
    assert rows._adversarial_nets_name(preset) == "Adversarial nets"
    assert rows._describe_settings(preset) == "preset mnist"

    fast = dataclasses.replace(preset, preset="fast", settings=PRESETS["fast"].settings)
    assert rows._adversarial_nets_name(fast) == "Adversarial nets, preset fast"

    changed = dataclasses.replace(
        preset, changed={"lr": (0.1, 0.05)}, own_nets=True, info={"optimiser": "Adam"}
    )
    assert rows._adversarial_nets_name(changed) == "Adversarial nets, custom settings"
    assert rows._describe_settings(changed) == (
        "custom, from mnist (lr 0.1 → 0.05, user-defined networks, optimiser Adam)"
    )
    continued = dataclasses.replace(preset, info={"init_from": {"run": "runs/other"}})
    assert rows._adversarial_nets_name(continued) == "Adversarial nets, custom settings"
    assert rows._describe_settings(continued) == "custom, from mnist (weights from another run)"


def test_a_custom_run_has_no_published_score(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    mnist = dataclasses.replace(small_data(), name="mnist")
    monkeypatch.setattr("adversarial_nets.datasets.load", lambda name, **_: mnist)
    table = table1.table1(["mnist"], tmp_path, rows=["adversarial-nets"], run=run.folder)
    assert [result.published for result in table.results] == [None, None]
    assert "batch 100 → 20" in table.results[0].note
