"""A score of one test image has no standard error, in any text, page or file."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

import adversarial_nets as an
from adversarial_nets import report
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import DatasetEntry, register, registry
from adversarial_nets.evaluation import parzen_score, parzen_score_on
from adversarial_nets.evaluation.compare_runs import compare
from adversarial_nets.paper.reproduce import table_parts
from adversarial_nets.paper.reproduce.registry import Context
from adversarial_nets.paper.table1 import record, text
from adversarial_nets.settings import Cadence
from small import small_data, small_settings

NONE = "(no standard error from one image)"


def one_test_image() -> an.Dataset:
    data = small_data()
    return dataclasses.replace(data, name="one", test=data.test[:1])


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> an.Run:
    monkeypatch.setattr(registry, "REGISTRY", dict(registry.REGISTRY))
    one = DatasetEntry(
        "one", lambda request: one_test_image(), description="One.", source="This test."
    )
    register(one)
    return an.train("one", settings=small_settings(), run=tmp_path / "run", rounds=2,
                    cadence=Cadence(log_every=1))  # fmt: skip


def test_one_image_has_no_standard_error() -> None:
    samples = torch.rand(50, 4, generator=torch.Generator().manual_seed(0))
    score = parzen_score(samples, samples[:9], samples[:1])
    assert score.se is None
    assert NONE in str(score)
    assert parzen_score(samples, samples[:9], samples[:2]).se is not None


def test_one_fold_of_one_image_has_none_and_more_folds_have_one() -> None:
    data = small_data()
    fold = an.datasets.Fold(data.valid, data.test[:1])
    samples = data.floats(data.train)
    assert parzen_score_on(dataclasses.replace(data, folds=(fold,)), samples).se is None
    other = an.datasets.Fold(data.valid, data.test[1:2])
    assert parzen_score_on(dataclasses.replace(data, folds=(fold, other)), samples).se


def test_evaluate_report_and_compare_say_so(
    run: an.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(run.folder), "--samples", "100"]) == 0
    said = capsys.readouterr().out
    assert said.count(NONE) == 4  # the run and three rows of reference images
    assert main(["evaluate", str(run.folder), "--samples", "100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parzen"]["se"] is None
    assert [row["se"] for row in found["calibration"]] == [None] * 3
    file = tmp_path / "result.json"
    file.write_text(json.dumps(found))

    assert [entry.se for entry in compare([run.folder, file]).entries] == [None, None]
    assert main(["compare", str(run.folder), str(file), "--out", str(tmp_path / "a.png")]) == 0
    compared = capsys.readouterr().out
    assert compared.count(NONE) == 2
    page = report.write_report(run).read_text()
    assert NONE in page
    assert not any("± 0.0" in text for text in (said, compared, page))


def test_train_says_so(run: an.Run, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):  # scored, then read from the record
        assert main(["train", "one", "--run", str(run.folder), "--rounds", "2"]) == 0
        said = capsys.readouterr().out
        assert said.count(NONE) == 5  # raw and averaged, and three rows of reference images
        assert "± 0.0" not in said


def test_table1_has_no_standard_error_for_one_image(tmp_path: Path) -> None:
    values: dict[str, Any] = dict.fromkeys(f.name for f in dataclasses.fields(record.Result))
    row = record.Result(**values | {
        "model": "DBN", "dataset": "one", "grid": "paper", "nats": 12.0, "sigma": 0.2,
        "at_edge": False, "seeds": 1, "samples": 100, "note": "",
    })  # fmt: skip
    table = record.Table((row,), ())
    assert f"12.0 {NONE}" in text.as_text(table)
    assert record._mean_over_seeds([row, dataclasses.replace(row, nats=14.0)]).se is None
    (tmp_path / "table1").mkdir()
    (tmp_path / "table1" / "table1.json").write_text(json.dumps(table.to_json()))
    shown = table_parts.table1(Context(out=tmp_path))
    assert NONE in shown.ours
    assert NONE in shown.tables[0][0]["ours, nats"]
