"""Reports are in English and in Chinese: every text has its translation, and one is shown."""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from adversarial_nets import datasets, report
from adversarial_nets.evaluation.calibration import reference_samples
from adversarial_nets.evaluation.published import PUBLISHED
from adversarial_nets.paper.table1 import text as table1_text
from adversarial_nets.paper.table1.record import Result, Table
from adversarial_nets.report import score_table
from adversarial_nets.report.chinese import in_both
from adversarial_nets.runs.folder import Run
from adversarial_nets.settings import FIELDS, Cadence
from adversarial_nets.training.diagnostics import PROBLEMS
from adversarial_nets.training.session import train
from adversarial_nets.training.trend import Trend
from html_page import Page
from small import small_data, small_settings
from two_languages import HAN, check_languages, typography_is_chinese

ROOT = Path(__file__).parent.parent
NAMES = ("small", "linear", "released", "uniform", "sgd", "relu", "sigmoid", "maxout", "float32")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of 20 rounds with a score."""
    cadence = Cadence(log_every=5, save_every=10, score_every=10, samples_every=5)
    folder = tmp_path_factory.mktemp("runs") / "small"
    run = train(small_data(), settings=small_settings(), run=folder, rounds=20, cadence=cadence)
    parzen = {"nats": 123.4, "se": 1.5, "sigma": 0.1, "grid": "paper", "samples": 10_000}
    parzen |= {"at_edge": True, "curve": [[0.1, 120.0], [0.2, -50.0]]}
    record = {"round": 20, "weights": "averaged", "data": "small", "parzen": parzen}
    found = [record | {"calibration": []}, record | {"weights": "raw", "round": 10}]
    (folder / "evaluation.json").write_text(json.dumps(found))
    return run


# --- Texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["minimax", "non-saturating", "least-squares", "hinge"])
@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_reports_of_other_settings_are_in_both_languages(
    trained: Run, tmp_path: Path, objective: str, protocol: str
) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "run")
    settings = small_settings(objective=objective, protocol=protocol, k=2)
    run = dataclasses.replace(
        trained, folder=folder, settings=settings, info=dict(trained.info, machine="a, 3 cores")
    )
    page = Page(report.write_report(run, small_data(), weights="raw").read_text())
    kept = [
        *NAMES,
        objective,
        "non-saturating",
        "quickstart",
        "python",
        "torch",
        "numpy",
        "cpu",
        "made for tests",
    ]
    check_languages(page, kept)


def test_images_that_are_all_trained_on_and_classes_are_in_both_languages(
    trained: Run, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "run")
    (folder / "evaluation.json").unlink()
    run = dataclasses.replace(trained, folder=folder, info={})
    data = dataclasses.replace(small_data(), held_out=False, image_shape=(1, 6, 6))
    page = Page(report.write_report(run, data).read_text())
    check_languages(page, [*NAMES, "quickstart", "non-saturating", "made for tests"])
    assert "没有得分：所有图像都用于训练" in page.zh
    assert "没有留出图像" in page.zh


PAGES = ROOT / "src" / "adversarial_nets" / "report"


@pytest.mark.parametrize(
    "path",
    [PAGES / "table1.html", PAGES / "paper.html", *(PAGES / "run").glob("*.html")],
    ids=lambda path: path.name,
)
def test_each_text_of_a_template_is_followed_by_its_chinese(path: Path) -> None:
    """Also in branches that no test takes: an element with Chinese is of class "zh"."""
    template = path.read_text(encoding="utf-8")
    found = re.findall(r'class="(?:[\w-]+ )*(en|zh)"', template)
    assert found == ["en", "zh"] * (len(found) // 2)
    untagged = re.findall(rf'<(?:p|span)(?: class="(?:quiet|note)")?>{HAN}', template)
    assert untagged == []


def trends() -> list[Trend]:
    return [
        Trend(lower_is_better, tuple(range(len(values))), values)
        for lower_is_better in (False, True)
        for values in ((), (1.0,), (2.0, 1.0), (1.0, 2.0), (1.0, 3.0, 2.0, 2.0), (3.0, 1.0, 2.0))
    ]


@pytest.mark.parametrize("found", trends(), ids=str)
def test_a_trend_says_the_same_in_both_languages(found: Trend) -> None:
    en, zh = found.sentences["en"], found.sentences["zh"]
    assert found.sentence == en
    typography_is_chinese(zh)
    assert re.findall(r"\d+\.\d", zh) == re.findall(r"\d+\.\d", en)
    assert ("no longer" in en, "still" in en) == ("不再" in zh, "仍在" in zh)
    assert ("falls" in en, "rises" in en) == ("下降" in zh, "上升" in zh)


def test_each_problem_names_the_same_settings_in_both_languages() -> None:
    for problem in PROBLEMS.values():
        typography_is_chinese(problem["zh"])
        for name in ("lr", "lr_decay", "G.init", "d_lr_multiplier", "(k)", "99"):
            in_chinese = problem["zh"].replace("（", "(").replace("）", ")")
            assert (name in problem["en"]) == (name in in_chinese), (name, problem)


def numbers(words: str) -> list[str]:
    """The numbers in a text, sorted: their order may be another one in Chinese."""
    return sorted(re.findall(r"\d+(?:[,.]\d+)*", words))


def check_translated(words: str, *names: str) -> None:
    found = in_both(words)
    assert found["en"] == words
    typography_is_chinese(found["zh"])
    left = re.sub("|".join(map(re.escape, names)) or "$^", "", found["zh"])
    assert re.search(HAN, left), words
    assert not re.search("[a-z]{3,} [a-z]{2,}", left), left
    assert numbers(found["zh"]) == numbers(words)


def test_sources_of_settings_and_scores_have_a_translation() -> None:
    for name, field in FIELDS.items():
        source = field.metadata["source"]
        if not re.fullmatch(r"arXiv:\S+|§\d", source):
            assert re.search(HAN, in_both(source)["zh"]), name
    for score in (score for scores in PUBLISHED.values() for score in scores):
        words = in_both(f"published: {score.source}")["zh"]
        assert not re.search("paper|verified|later|published", words), words
        name = in_both(score.model)["zh"]
        assert not re.search("[A-Za-z]*(layer|Stacked|Adversarial|real|encoder)", name), name


def test_notes_on_reference_images_and_baselines_have_a_translation() -> None:
    for name, (_, note) in reference_samples(small_data()).items():
        check_translated(note)
        assert re.search(HAN, in_both(name)["zh"])
    notes = {
        result["note"]
        for path in (ROOT / "results").rglob("*.json")
        for result in rows_of(json.loads(path.read_text()))
    }
    assert len(notes) > 10
    notes |= {
        "custom, from quickstart (lr 0.1 → 0.2, user-defined networks, optimiser Adam, weights "
        "from another run), round 20, the best on validation images; one pass for each sample"
    }
    for note in notes - {""}:
        check_translated(note, "preset", "quickstart", "Adam")


def rows_of(record: Any) -> list[dict[str, Any]]:
    """The rows with a note in a record of Table 1 or of a score."""
    if isinstance(record, dict):
        here = [record] if {"note", "nats"} <= record.keys() else []
        return here + [row for value in record.values() for row in rows_of(value)]
    return [row for value in record for row in rows_of(value)] if isinstance(record, list) else []


def test_the_origin_of_data_has_a_translation(tmp_path: Path) -> None:
    check_translated(datasets.load("mnist-5k").provenance)
    arrays = small_data().train.reshape(-1, 6, 6).numpy()
    splits = {"train": arrays[:200], "test": arrays[200:]}
    for images in (
        arrays,
        splits,
        {"train": arrays[:99], "valid": arrays[99:200], "test": arrays[200:]},
    ):
        check_translated(datasets.dataset_from_arrays(images).provenance)
    from PIL import Image

    for i in range(60):
        Image.fromarray(arrays[i]).save(tmp_path / f"{i}.png")
    (tmp_path / "notes.txt").write_text("of no use")
    for options in ({}, {"fit": "pad"}, {"width": 8}, {"train_on_all": True}):
        found = datasets.load(f"folder:{tmp_path}", size=6, **options)
        check_translated(found.provenance, str(tmp_path), ".txt", "white")
    check_translated(
        "MNIST's original files (LeCun, Cortes, Burges), checked by SHA-256: the first 50,000 "
        "training images for training, the last 10,000 for validation, the 10,000 test images."
    )


def test_words_of_a_program_stay_as_they_are() -> None:
    assert in_both("scanned by hand; mine") == dict.fromkeys(("en", "zh"), "scanned by hand; mine")


def test_caveats_are_in_both_languages() -> None:
    parzen = {"at_edge": True, "sigma": 0.1, "grid": "paper", "curve": [[0.1, 1.0], [0.2, 0.0]]}
    head = {"weights": "raw", "round": 10, "parzen": parzen}
    notes = score_table.caveats(head, "averaged", 2000, [], "non-saturating")
    assert len(notes) == 3
    for note in notes:
        typography_is_chinese(note["zh"])
        assert numbers(note["en"]) == numbers(note["zh"])


def test_the_page_of_table_1_is_in_both_languages(tmp_path: Path) -> None:
    result = Result(
        *("Stacked CAE, one chain", "mnist-5k", "paper", -200.0, None, 0.1, True, 3, 5.0, 121.0),
        *(
            200,
            90.0,
            5.0,
            3000.0,
            "σ of the chain 3.16; one chain from a training image, every state ",
        ),
    )
    result = dataclasses.replace(result, note=result.note + "kept")
    short = dataclasses.replace(
        result, model="VAE", se=2.0, spread=None, train_seconds=7.0, note=""
    )
    table = Table((result, short), (("references", "mnist-5k"), ("dbn", "mnist-5k")))
    table1_text.write_files(table, tmp_path)
    page = Page((tmp_path / "table1.html").read_text())
    check_languages(page, ["mnist-5k"])
    for words in ("堆叠 CAE，单链", "0.100（边界）", "2 分钟", "7 秒", "参照图像", "尚无"):
        assert words in page.zh
    assert "−200.0（单张图像没有标准误）（± 5.0，3 个种子）" in page.zh
    text = (tmp_path / "table1.txt").read_text()
    assert not re.search(HAN, text)
    assert "(± 5.0 over 3 seeds)" in text
