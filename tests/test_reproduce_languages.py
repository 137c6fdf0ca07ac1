"""The page of the reproduction is in English and in Chinese: every text has its translation."""

import dataclasses
import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from adversarial_nets import datasets
from adversarial_nets.paper import (
    discrete_units,
    figure1,
    function_space,
    related_work,
    training_claims,
)
from adversarial_nets.paper.reproduce import (
    PARTS,
    Context,
    Part,
    Result,
    register,
    reproduce,
    section7_parts,
    table_parts,
    theory_parts,
)
from adversarial_nets.paper.reproduce.page import write_page
from adversarial_nets.paper.reproduce.records import done, not_run
from adversarial_nets.paper.section7 import conditional, efficiency
from adversarial_nets.paper.section7.conditional import ConditionalScores
from adversarial_nets.paper.section7.inference_study import InferenceScores
from adversarial_nets.paper.section7.rows import read_rows
from adversarial_nets.plots import sheets
from adversarial_nets.presets import PRESETS
from adversarial_nets.report.chinese import in_both
from adversarial_nets.runs import game_state
from adversarial_nets.theory import statements
from html_page import Page
from two_languages import HAN, check_languages, typography_is_chinese
from two_languages import NAMES_OF_THE_REPRODUCTION as NAMES

ROOT = Path(__file__).parent.parent
ROWS = ROOT / "results" / "section7.json"
FILES = [f"ADVNETS_DATA/{name}TFD_48x48.mat" for name in ("tfd/", "tfd_standin/", "")]


def page_of(context: Context, results: dict[str, Result]) -> Page:
    """The page of all parts, of which some have results."""
    made_with = {"seed": 0, "seconds": 1.0, "command": "advnets paper reproduce"}
    records = [
        done(PARTS[name], results[name], made_with)
        if name in results
        else not_run(part, f"not run; run it with: {context.command(name)}")
        for name, part in PARTS.items()
    ]
    for name in {picture for result in results.values() for picture in result.pictures}:
        path = context.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a picture")
    context.out.mkdir(exist_ok=True)
    return Page(write_page(records, context.out).read_text(encoding="utf-8"))


def check_numbers(page: Page) -> None:
    """The two languages have the same numbers, also in what is read aloud."""
    for _, a in page.elements:
        if "data-en" in a:
            assert numbers(a["data-en"] or "") <= numbers(a["data-zh"] or ""), a


def numbers(words: str) -> set[str]:
    return set(re.findall(r"\d[\d.,]*\d|\d", words))


# --- Parts, with what their functions say about small experiments ---------------------------------


def test_a_page_without_results_is_in_both_languages(tmp_path: Path) -> None:
    found = reproduce(tmp_path / "out", show=True)
    page = Page(found.html.read_text(encoding="utf-8"))
    check_languages(page, NAMES)
    assert "未运行。运行命令：~" in page.zh
    commands = re.findall(r"<code>", page.html)
    assert len(commands) == 4 * len(PARTS)  # in both languages, in the table and below it


def test_theory_is_in_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = SimpleNamespace(rule="the task alone", lost=0.1, predictable=0.4)
    both = [
        SimpleNamespace(rule=r, lost=0.4, predictable=0.0) for r in ("predictability alone", "both")
    ]
    related = SimpleNamespace(
        gradient_norms=discrete_units.gradient_norms(0),
        distances=(0.0, 4.0),
        error=(0.05, 1.2),
        error_in_theory=(0.05, 1.3),
        codes=(code, *both),
        accuracy_adversarial=0.37,
    )
    game = SimpleNamespace(distance=0.01, jsd=4e-4, V=-1.386)
    space = SimpleNamespace(
        jsd=np.array([0.2, 3e-10]), rises=(0, 3), jsd_parameters=np.array([0.17])
    )
    for module, name, value in (
        (related_work, "related_work", related),
        (figure1, "figure1", game),
        (function_space, "function_space", space),
        (theory_parts, "theory_figure", None),
        (statements, "checks", statements.checks(0, distributions=1)),
    ):
        monkeypatch.setattr(module, name, lambda *_, value=value, **__: value)
    context = Context(tmp_path)
    results = {
        "related-work": theory_parts.related_work(context),
        "figure1": theory_parts.figure1(context),
        "theory": theory_parts.theory(context),
        "function-space": theory_parts.function_space(context),
    }
    page = page_of(context, results)
    check_languages(page, NAMES)
    check_numbers(page)
    for words in ("对抗网络", "可见单元", "噪声对比估计的误差增大到 24 倍", "次导数", "成立"):
        assert words in page.zh
    assert "True" not in page.text


def test_claims_are_in_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny: dict[str, Callable[..., Any]] = {
        "steps": functools.partial(training_claims.steps, updates=20, ks=(1, 5)),
        "gradients": functools.partial(training_claims.gradients, rounds=4),
        "head-start": functools.partial(training_claims.head_start, rounds=4, lengths=(0, 2)),
        "helvetica": functools.partial(training_claims.helvetica, together=5, alone=3),
        "parzen-spread": functools.partial(
            training_claims.parzen_spread, counts=(30, 1000), dimensions=(1, 20), draws=3
        ),
    }
    assert tiny.keys() == training_claims.CLAIMS.keys()
    classifier = SimpleNamespace(accuracy=0.948, classes=lambda x: torch.arange(len(x)) % 10)
    monkeypatch.setattr(training_claims, "CLAIMS", tiny)
    monkeypatch.setattr(training_claims, "classifier", lambda *_: classifier)
    context = Context(tmp_path)
    page = page_of(context, {name: PARTS[name].make(context) for name in tiny})
    check_languages(page, NAMES)
    check_numbers(page)
    assert "（先单独训练 G 0 轮），" in page.zh


def test_tables_are_in_both_languages(tmp_path: Path) -> None:
    context = Context(tmp_path, use={"table1": ROOT / "results" / "table1.json"})
    results = {"table1": table_parts.table1(context), "table2": table_parts.table2(context)}
    page = page_of(context, results)
    check_languages(page, [*NAMES, str(context.use["table1"])])
    check_numbers(page)
    assert re.search(r"共 \d+ 行；对抗网络 \S+ ± \S+；对抗网络，权重滑动平均 \S+ ± \S+", page.zh)
    assert re.search(r"\S+ ± \S+，\d 个种子", page.zh)


def test_section_7_is_in_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = read_rows(ROWS)
    run = SimpleNamespace(folder="run", data="mnist-5k", preset_label="custom, from fast")
    digits = SimpleNamespace(name="mnist-5k", image_shape=(1, 6, 6), range=(0, 1))
    matched = ConditionalScores(9, "raw", 9, 100.5, 1.0, 0.2, 0.9, 0.97, 0.1, 0.1, 0.5, {})
    inferred = InferenceScores(9, "raw", 0.9, 0.95, 3.0, 6.0, 0.5, 9.0, 0.91)
    picture = tmp_path / "parts" / "a.png"
    few = [row for row in rows if row.model.startswith(("feature matching", "without"))]
    for module, name, value in (
        (datasets, "load", digits),
        (section7_parts, "_digits", digits),
        (section7_parts, "_trained", run),
        (section7_parts, "run_of", run),
        (section7_parts, "load_data", None),
        (conditional, "score_conditional", matched),
        (conditional, "plot_conditional", None),
        (game_state, "load_generator", (None, 9)),
        (section7_parts, "write_picture", picture),
        (section7_parts, "score_inference", inferred),
        (section7_parts, "filling_in_rows", ([r for r in rows if r.item == "filling-in"], None)),
        (sheets, "grid_png", b"a picture"),
        (section7_parts, "few_labels_rows", (few, picture)),
        (efficiency, "efficiency", (
            [row for row in rows if row.item == "efficiency"], picture)),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, lambda *_, value=value, **__: value)
    context = Context(tmp_path)
    context.folder.mkdir()
    made = {name: PARTS[name].make(context) for name in PARTS if PARTS[name].section == "§7"}
    page = page_of(context, made)
    check_languages(page, NAMES)
    check_numbers(page)
    never = [dataclasses.replace(r, reached=0) for r in rows if r.item == "efficiency"]
    monkeypatch.setattr(efficiency, "efficiency", lambda *_, **__: (never, picture))
    page = page_of(context, {"efficiency": section7_parts.efficiency(context)})
    check_languages(page, NAMES)
    assert "没有一种设置达到 120 奈特" in page.zh


# --- Runs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n, p in PRESETS.items() if not p.published])
def test_a_presets_description_has_a_translation(name: str) -> None:
    note = f"Preset {name} is not the published experiment: {PRESETS[name].why}"
    chinese = in_both(note)["zh"]
    assert chinese.startswith(f"预设 {name} 不是已发表的实验：")
    assert re.search(HAN, chinese.partition("：")[2]), chinese
    assert not re.search(r"[A-Za-z]+ [a-z]+ [a-z]+", chinese), chinese
    typography_is_chinese(chinese)


@pytest.mark.parametrize(
    ("words", "chinese"),
    [
        (
            "mnist (custom, from mnist), averaged G at round 1,000: -4.9 ± 0.4 nats (σ = 0.278 of "
            "grid paper, at the edge of the grid; 10,000 samples); not the published experiment; "
            "not comparable with the published number",
            "mnist（自定义，基于 mnist），第 1,000 轮的权重滑动平均后的 G："
            "-4.9 ± 0.4 奈特（σ = 0.278，网格 paper，位于网格的边界；10,000 个样本）；"
            "不是已发表的实验，不能与已发表的数字比较",
        ),
        (
            "tfd (preset tfd-stage2), raw G at round 4: 9.0 ± 2.5 nats (σ = 0.1 of grid paper; "
            "10,000 samples; over 5 folds)",
            "tfd（预设 tfd-stage2），第 4 轮的原始 G：9.0 ± 2.5 奈特（σ = 0.1，网格 paper；"
            "10,000 个样本；5 折）",
        ),
        (
            "one (preset mnist), raw G at round 4: 9.0 nats (no standard error from one image) "
            "(σ = 0.1 of grid paper; 10,000 samples)",
            "one（预设 mnist），第 4 轮的原始 G：9.0 奈特（单张图像没有标准误；"
            "σ = 0.1，网格 paper；10,000 个样本）",
        ),
        (
            "The run is custom, from mnist. It differs from the preset in: lr 0.1 → 0.05, G.hidden "
            "1200, 1200 → 12, 10, d_lr_multiplier not set → 0.5, G and D of the preset → passed in "
            "by a program, lr after round 9 0.1 → 0.2.",
            "这次训练的设置是：自定义（基于 mnist）。与预设的不同之处：lr 0.1 → 0.05，G.hidden "
            "1200, 1200 → 12, 10，d_lr_multiplier 未设置 → 0.5，G 与 D 由程序传入，不是预设的，"
            "lr（第 9 轮之后）0.1 → 0.2。",
        ),
        (
            "not run: The quick profile trains on the included digits only. Run this part with: "
            "advnets paper reproduce figure2b --profile full",
            "未运行：快速档（quick）只用自带的手写数字训练。"
            "运行这一部分的命令：advnets paper reproduce figure2b --profile full",
        ),
        (
            "not run: its picture a.png is missing; run it with: advnets paper reproduce theory",
            "未运行：缺少图片 a.png。运行命令：advnets paper reproduce theory",
        ),
    ],
    ids=range(6),
)
def test_what_is_said_of_a_run_has_a_translation(words: str, chinese: str) -> None:
    assert in_both(words)["zh"] == chinese


def test_missing_data_are_reported_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)  # away from the recorded results
    out = tmp_path / "out"
    found = reproduce(out, parts=["figure2b", "table1"], profile="full")
    page = Page(found.html.read_text(encoding="utf-8"))
    check_languages(page, [*NAMES, "Toronto Face Database", *FILES])
    for words in (
        "没有找到 Toronto Face Database",
        "没有找到 TFD 的替代数据",
        "还没有其他模型的结果",
    ):
        assert words in page.zh


# --- Parts of a program, and records of earlier versions ------------------------------------------


@pytest.mark.usefixtures("_own_parts")
def test_a_program_s_own_words_are_shown_as_they_are(tmp_path: Path) -> None:
    rows = [{"m": 20, "my column": "my cell", "x": 0.123456, "y": True}]
    own = Result("my finding", notes=["My note; as it is."], tables=[rows])
    register(Part("mine", "My part", "§8", "my words", lambda _: own))
    page = Page(reproduce(tmp_path, parts=["mine"]).html.read_text(encoding="utf-8"))
    for words in (
        "My part",
        "my words",
        "my finding",
        "My note; as it is.",
        "my column",
        "my cell",
    ):
        assert words in page.text
        assert words in page.zh
    assert "0.1235" in page.text
    assert "本项目：my finding。" in page.zh
    assert page.html.count("my column") == 1  # not once for each language


def test_a_record_holds_english_only(tmp_path: Path) -> None:
    record = tmp_path / "parts" / "theory.json"
    reproduce(tmp_path, parts=["theory"])
    content = record.read_text(encoding="utf-8")
    assert not re.search(HAN, content)
    assert json.loads(content)["published"] == PARTS["theory"].published
