"""Table 1 with baselines of a program: the documents' examples, and modules with buffers."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from adversarial_nets.baselines import (
    BASELINES,
    Baseline,
    ChainSampler,
    ChainSettings,
    FitSession,
    vae,
)
from adversarial_nets.baselines.optimisers import (
    adam_state,
    batches_per_epoch,
    minibatch,
    minimise,
)
from adversarial_nets.cli.main import main
from adversarial_nets.paper import table1
from adversarial_nets.paper.table1 import rows
from adversarial_nets.random import Address
from small import small_data


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small images and few samples."""
    monkeypatch.setattr("adversarial_nets.datasets.load", lambda name, **_: small_data())
    monkeypatch.setattr(rows, "SAMPLES", 200)
    monkeypatch.setattr(rows, "VALIDATION_SAMPLES", 100)


@pytest.mark.slow
def test_the_baseline_of_the_docs_is_made_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run the example of docs/add-a-baseline.md, word for word."""
    monkeypatch.undo()  # the example loads real data and draws 10,000 samples
    one_class = SimpleNamespace(classes=lambda x: torch.zeros(len(x), dtype=torch.int64))
    monkeypatch.setattr(rows, "classifier", lambda data, on_progress: one_class)
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parent.parent / "docs" / "add-a-baseline.md").read_text()
    example, _ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    code = [line for line in example.splitlines() if line and "import" not in line]
    assert len(code) < 20
    registered = dict(BASELINES)
    try:
        exec(compile(example, "add-a-baseline.md", "exec"), {"__name__": "add_a_baseline"})
    finally:
        BASELINES.clear()
        BASELINES.update(registered)
    (line,) = (x for x in capsys.readouterr().out.splitlines() if x.startswith("Mean + noise"))
    assert float(line.split()[3].replace("−", "-")) > -500
    # The record can be read where the baseline is not registered.
    table = table1.recorded(tmp_path / "runs" / "my-table1")
    (result,) = table.results
    assert (result.model, result.samples) == ("Mean + noise", 10_000)
    assert result.states_in_class == 10_000
    assert result.train_seconds is not None
    assert ("mean-plus-noise", "mnist-5k") not in table.missing
    found = table1.recorded(tmp_path / "runs" / "my-table1", rows=["mean-plus-noise"])
    assert found.results == (result,)
    # The command that the page names reads it, too.
    assert main(["paper", "table1", "--json", "--out", "runs/my-table1"]) == 0
    assert "Mean + noise" in capsys.readouterr().out


def test_the_trained_baseline_of_the_docs_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run both examples of docs/add-a-baseline.md on small images."""
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parent.parent / "docs" / "add-a-baseline.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    registered, names = dict(BASELINES), {"__name__": "add_a_baseline"}
    try:
        for example in examples:
            exec(compile(example, "add-a-baseline.md", "exec"), names)
    finally:
        BASELINES.clear()
        BASELINES.update(registered)
    (result,) = table1.recorded(tmp_path / "runs" / "my-table1", rows=["learned-mean"]).results
    assert result.note.startswith("round 20, the best on validation images")
    assert "Learned mean" in capsys.readouterr().out
    # The folders that the page says to delete. The data set is named small here.
    folders = re.findall(r"`(runs/my-table1/mnist-5k/[^`]+)`", page)
    assert len(folders) == 2
    for folder in folders:
        assert (tmp_path / folder.replace("mnist-5k", "small") / "score-paper.json").exists()


class BatchNormNet(torch.nn.Module):
    """Noise around a learned image, with the running mean of BatchNorm as a buffer."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.net = torch.nn.Sequential(
            torch.nn.Linear(pixels, pixels), torch.nn.BatchNorm1d(pixels)
        )


def fit_batch_norm(images: torch.Tensor, s: vae.Settings, session: FitSession) -> BatchNormNet:
    """Pass the parameters alone, without the buffers."""
    torch.manual_seed(s.seed)
    model = BatchNormNet(images.shape[1])
    parameters = dict(model.named_parameters())
    state = adam_state(parameters)
    total = s.epochs * batches_per_epoch(images, s.batch)
    steps = session.steps(total, model, parameters, state)
    for step, record_loss in steps.until(total, parameters):
        model.train()
        x = minibatch(images, s.seed, step, s.batch)
        loss = (model.net(x) - x).square().mean()
        minimise(parameters, state, loss, lr=0.1)
        record_loss(loss.item())
    return model


@torch.no_grad()
def sample_batch_norm(model: BatchNormNet, n: int, *, seed: int) -> torch.Tensor:
    """The outputs for noise, which depend on the buffers."""
    model.eval()
    return model.net(Address(seed, 0, range(n)).uniform("noise", 36)).sigmoid()


def test_the_buffers_of_a_module_are_saved_and_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted fit ends like another one, and the best checkpoint has its own buffers."""
    settings = vae.Settings(epochs=6, batch=100)
    images = small_data().floats(small_data().train)
    scores = iter([1.0, 3.0, 2.0, 0.0, 0.0, 0.0])
    at_best: dict[str, torch.Tensor] = {}

    def score(row: rows._BaselineRow, model: BatchNormNet) -> float:
        nats = next(scores)
        if nats == 3:
            at_best.update({k: x.clone() for k, x in model.state_dict().items()})
        return nats

    monkeypatch.setattr(rows._BaselineRow, "validation_score", score)
    baseline = Baseline(
        "BatchNorm", fit_batch_norm, sample_batch_norm, settings, score_every_epochs=1
    )
    options = rows.Options("paper", quick=False, run=None, on_progress=None)
    data = small_data()
    row = rows._BaselineRow(baseline, images, data.floats(data.valid), 0, options)
    best, session = rows._fit_baseline(row, data, tmp_path / "best")
    assert session.best == {"round": 4, "valid_nats": 3.0}
    assert all(torch.equal(x, at_best[k]) for k, x in best.state_dict().items())

    whole = fit_batch_norm(images, settings, FitSession()).state_dict()
    assert not torch.equal(whole["net.1.running_mean"], at_best["net.1.running_mean"])

    def stop(update: int, total: int, loss: float) -> None:
        raise InterruptedError

    folder = tmp_path / "interrupted"
    (folder / "checkpoints").mkdir(parents=True)
    with pytest.raises(InterruptedError):
        fit_batch_norm(images, settings, FitSession(folder, save_every=5, callback=stop))
    resumed = fit_batch_norm(images, settings, FitSession(folder)).state_dict()
    assert all(torch.equal(x, whole[k]) for k, x in resumed.items())
    finished = fit_batch_norm(images, settings, FitSession(folder)).state_dict()
    assert all(torch.equal(x, whole[k]) for k, x in finished.items())


def test_a_user_s_baseline_with_a_torch_module_and_a_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module's state_dict is saved and restored; the best checkpoint is scored."""

    class Noise(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("scale", torch.zeros(1))

    def fit(images: torch.Tensor, settings: vae.Settings, session: FitSession) -> Noise:
        model = Noise()
        steps = session.steps(settings.epochs, model, model.state_dict(), {})
        for step, record_loss in steps.until(settings.epochs):
            model.get_buffer("scale").fill_((0.9, 0.2, 0.9)[step])
            record_loss(0.0)
        return model

    def next_state(model: Noise, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        noise = torch.randn(x.shape, generator=generator)
        return (0.5 + model.get_buffer("scale") * noise).clamp(0, 1)

    sample = ChainSampler(lambda model, images, generator: images, next_state, lambda model, x: x)
    baseline = Baseline(
        "Noise chain", fit, sample, vae.Settings(epochs=3, batch=280), score_every_epochs=1
    )
    monkeypatch.setitem(BASELINES, "noise-chain", baseline)
    monkeypatch.setattr(rows, "QUICK_CHAINS", ChainSettings(5, 3, 1))
    monkeypatch.setattr(rows, "QUICK_VALIDATION_CHAINS", ChainSettings(5, 3, 1))
    table = table1.table1(["small"], tmp_path, rows=["noise-chain"], quick=True)
    assert [r.model for r in table.results] == ["Noise chain", "Noise chain, one chain"]
    assert table.results[0].note.startswith("round 2, the best on validation images")
    assert "Noise chain" in table1.as_text(table)
