"""docs/metrics.md documents every field of metrics.jsonl and of what commands print with --json."""

import dataclasses
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.baselines.vae import fit
from adversarial_nets.bench import speed
from adversarial_nets.cli.main import main
from adversarial_nets.evaluation import features
from adversarial_nets.paper import related_work, remarks, table1
from adversarial_nets.paper.training_claims import CLAIMS
from small import SMALL_MODELS, small_data

ROOT = Path(__file__).parent.parent
TINY = [
    *("--G.hidden", "8", "8", "--D.units", "4", "4", "--D.pieces", "2", "--batch", "10"),
    *("--threads", "1", "--ema-decay", ".9"),
]


@functools.cache
def documented(heading: str) -> frozenset[str]:
    """The names in the first column of the tables of one section of the page."""
    page = (ROOT / "docs" / "metrics.md").read_text()
    sections = {
        part.splitlines()[0].removesuffix("of a training run").replace("`", "").strip(): part
        for part in re.split(r"^## ", page, flags=re.M)[1:]
    }
    first_cells = re.findall(r"^\| (`.*?) \|", sections[heading], re.M)
    return frozenset(name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell))


def names_of(value: Any, name: str = "") -> Iterator[str]:
    """The names of all fields in a JSON value, as the page writes them."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from names_of(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for inner in value:
            yield from names_of(inner, f"{name}[]")
    else:
        yield f"{name}[]" if isinstance(value, list) else name


def is_documented(name: str, known: frozenset[str]) -> bool:
    """Whether the name is on the page as it is, or by a pattern in which NAME is any key."""
    return any(re.fullmatch(re.escape(k).replace("NAME", ".+"), name) for k in known)


def check(found: Any, heading: str) -> frozenset[str]:
    """Every field of the value must be in that section; returns the names that occurred."""
    names = frozenset(names_of(found))
    undocumented = {name for name in names if not is_documented(name, documented(heading))}
    assert not undocumented, f"docs/metrics.md, section {heading}, lacks {sorted(undocumented)}"
    return names


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rounds of tiny networks, logged and scored after each."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    every = [
        word for what in ("log", "save", "score", "samples") for word in (f"--{what}-every", "1")
    ]
    assert main(["train", "mnist-5k", "--run", str(folder), "--rounds", "2", *every, *TINY]) == 0
    return folder


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    """The output of a command with --json."""
    capsys.readouterr()
    assert main([*args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_metrics_jsonl(run: Path) -> None:
    """Both directions: nothing is missing from the page, and the page names nothing else."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["round"] for row in rows] == [1, 2]
    occurred = frozenset[str]().union(*(check(row, "metrics.jsonl") for row in rows))
    assert occurred == documented("metrics.jsonl")


def test_metrics_jsonl_of_a_baseline(tmp_path: Path) -> None:
    data = small_data()
    (tmp_path / "checkpoints").mkdir()
    session = FitSession(tmp_path, save_every=2, score_every=2, validation_score=lambda model: 0.0)
    fit(data.floats(data.train), SMALL_MODELS["vae"], session)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    heading = "metrics.jsonl of a baseline"
    occurred = frozenset[str]().union(*(check(row, heading) for row in rows))
    assert occurred == documented(heading)


def test_train(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ("train", "mnist-5k", "--run", str(run), "--rounds", "2", *TINY)
    check(printed(capsys, *args), "train --json")
    check(printed(capsys, *args, "--dry-run"), "train --json")


def test_evaluate(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    occurred = check(printed(capsys, "evaluate", str(run), "--samples", "200"), "evaluate --json")
    assert {"parzen.nats", "calibration[].nats", "run.curve[].averaged"} <= occurred


def test_measure(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torchmetrics")
    monkeypatch.setattr(features, "STEPS", 5)
    check(printed(capsys, "measure", str(run), "--samples", "200"), "measure --json")


@pytest.mark.parametrize(
    "line",
    [
        "calibrate mnist-5k --samples 100",
        "sample RUN --n 10 --out OUT/samples.png",
        "interpolate RUN --out OUT/lines.png",
        "report RUN",
        "compare RUN results/mnist-seed1-raw-paper.json --out OUT/comparison.png",
        "compare results/mnist-seed1-raw-paper.json results/mnist-seed2-raw-paper.json "
        "--out OUT/comparison.png",
        "datasets",
        "doctor",
        "paper figure1 --rounds 5 --no-movie --out OUT",
        "paper function-space --steps 10 --out OUT",
        "paper plane --rounds 5 --out OUT",
        "paper table1 --threads 1",
        "play moons --rounds 3 --out OUT",
        "play gaussian --rounds 3 --out OUT",
        "play mnist-5k --rounds 1 --batch 10 --out OUT",
    ],
)
def test_other_commands(
    line: str,
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    words = line.replace("RUN", str(run)).replace("OUT", str(tmp_path)).split()
    group, *_ = words
    heading = " ".join(words[: 2 if group == "paper" else 1])
    # The commands under `paper` also work without that word.
    check(printed(capsys, *(words[1:] if group == "paper" else words)), f"{heading} --json")


@pytest.mark.parametrize(
    ("kind", "heading", "prefix"),
    [
        (remarks.Remarks, "paper remarks --json", ""),
        (related_work.RelatedWork, "paper related-work --json", ""),
        (related_work.GradientNorms, "paper related-work --json", "gradient_norms[]."),
        (related_work.LinearCode, "paper related-work --json", "codes[]."),
        (table1.Result, "paper table1 --json", "rows[]."),
        (speed.Speed, "bench --json", ""),
        (speed.Ratio, "bench --json", "details.NAME."),
    ],
)
def test_fields_of_commands_that_take_minutes(kind: Any, heading: str, prefix: str) -> None:
    """These commands print the fields of these classes."""
    for field in dataclasses.fields(kind):
        name = f"{prefix}{field.name}"
        assert any(
            known in (name, f"{name}[]") or known.startswith((f"{name}.", f"{name}[]."))
            for known in documented(heading)
        ), name


def test_every_claim_is_on_the_page() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    for name in CLAIMS:
        assert f"| `{name}` |" in page
