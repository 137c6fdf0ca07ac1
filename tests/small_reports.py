"""Runs of a few rounds, their records, and the reports of them."""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Any

from adversarial_nets import report
from adversarial_nets.datasets import Dataset
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs.folder import Run
from adversarial_nets.settings import Cadence
from adversarial_nets.training.session import train
from html_page import Page
from small import small_data, small_settings
from two_languages import check_languages


def written(run: Run, data: Dataset | None = None, **how: Any) -> Page:
    """The run's report, which is in English and in Chinese."""
    data = data or small_data()
    page = Page(report.write_report(run, data, **how).read_text())
    check_languages(page, [run.data, run.data.upper(), data.provenance, *names_of(run)])
    return page


def names_of(run: Run) -> list[str]:
    """Names in a run that are the same in both languages: of presets, settings and software."""
    record = json.dumps([run.settings.to_json(), run.changed, dict(run.info)])
    words = re.findall(r"[A-Za-z][\w-]+", record) + list(run.classes)
    return [run.preset, *words, "note"]


def trained_run(folder: Path) -> Run:
    """A run of 20 rounds with metrics, scores on validation images, samples and checkpoints."""
    cadence = Cadence(log_every=5, save_every=10, score_every=10, samples_every=5)
    return train(small_data(), settings=small_settings(), run=folder, rounds=20, cadence=cadence)


def quiet_copy(run: Run, folder: Path) -> Run:
    """A copy without metrics and samples, which is faster to report."""
    shutil.copytree(run.folder, folder)
    (folder / "metrics.jsonl").unlink()
    shutil.rmtree(folder / "samples")
    return dataclasses.replace(run, folder=folder)


def untrained(run: Run, folder: Path) -> Run:
    """The run as it was when it was created."""
    run = dataclasses.replace(run, folder=folder)
    runs_folder.create(run)
    return run


def note(run: Run, *records: dict[str, Any]) -> None:
    (run.folder / "evaluation.json").write_text(json.dumps(records))


def record(**changes: Any) -> dict[str, Any]:
    """An evaluation as `evaluate` writes it, with some values changed."""
    parzen = {
        "nats": 123.4,
        "se": 1.5,
        "sigma": 0.2,
        "grid": "paper",
        "samples": 10_000,
        "at_edge": False,
        "curve": [[0.1, -50.0], [0.2, 120.0], [0.4, 30.0]],
    }
    whole = {"round": 20, "weights": "averaged", "data": "small", "calibration": []}
    parzen |= {name: changes.pop(name) for name in list(changes) if name in parzen}
    return whole | changes | {"parzen": parzen}
