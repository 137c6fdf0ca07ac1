"""Tables of the results pages, made from ``results/*.json`` when the site is built.

Each function returns a table in Markdown in one language. A test compares the table with the files.
"""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from adversarial_nets.playground.words import WORDS
from website.sources import ROOT, Language

__all__ = ["FOLDER", "TABLES", "Tables", "markdown_table", "number", "record"]

FOLDER = ROOT / "results"
"""The records."""

_CHINESE: Mapping[str, str] = {
    "": "",
    "model": "模型",
    "score, nats": "得分（奈特）",
    "seeds": "种子数",
    "round": "轮次",
    "samples": "样本数",
    "seeds measured": "测量的种子数",
    "squared kernel distance": "核距离的平方",
    "Conditional adversarial nets": "条件对抗网络",
    "preset": "预设",
    "converged": "训练至收敛",
    "720 epochs": "720 个 epoch",
    "timed run": "计时训练",
    "best checkpoint": "最佳检查点",
    "GAN paper": "GAN 论文",
    "CGAN paper": "CGAN 论文",
    "GMMN paper": "GMMN 论文",
    "AAE paper": "AAE 论文",
    "Theis et al. 2015": "Theis 等，2015",
    "later papers (unverified)": "后续论文（未核实）",
    "published": "已发表",
    "here, nats": "本项目（奈特）",
    "steps per sample": "每个样本的步数",
    "trained, minutes": "训练时间（分钟）",
    "mean ± spread over seeds": "均值 ± 种子间标准差",
    "raw G": "原始 G",
    "averaged G": "权重滑动平均后的 G",
    "raw G, converged": "原始 G，训练至收敛",
    "seed": "种子",
    "grid": "网格",
    "training images": "训练图像",
    "k-means": "k-means 中心",
    "mean image": "平均图像",
    "Fréchet distance": "Fréchet 距离",
    "precision": "精确率",
    "recall": "召回率",
    "density": "密度",
    "coverage": "覆盖率",
    "real images": "真实图像",
    "Adversarial nets": "对抗网络",
    "Adversarial nets, averaged weights": "对抗网络，权重滑动平均",
    "Adversarial autoencoder": "对抗自编码器",
    "GMMN + autoencoder": "GMMN + 自编码器",
    "Stacked CAE": "堆叠 CAE",
    "Deep GSN": "深度 GSN",
    "one chain": "单链",
    "data": "数据",
    "one run": "一次训练",
    "published setting": "论文设置",
    "preset fast": "预设 fast",
    "frames/s": "帧/秒",
    "rounds/s": "轮/秒",
    "click, ms": "点击响应（毫秒）",
    "beside a busy loop": "同时有一个忙循环",
    "rounds per frame": "每帧轮数",
    "two games": "两局并排",
    "lesson": "课程",
    "seconds until it pauses": "到暂停为止的秒数",
    "pages served": "打开的页面",
    "click, s: median": "点击响应（秒）：中位数",
    "95 %": "95% 分位数",
    "memory, MB: before": "内存（MB）：开始前",
    "at the end": "结束时",
    "at most": "峰值",
    "seconds": "秒",
    "machine": "机器",
    "load": "负载",
    "alone": "没有其他程序",
    "updates of D": "D 的更新次数",
    "updates of G": "G 的更新次数",
    "V, training": "V（训练图像）",
    "V, held out": "V（留出图像）",
    "gap": "差",
    "Parzen, nats": "Parzen 得分（奈特）",
    "head start": "G 先单独训练的轮数",
    "rounds": "轮数",
    "round 1000": "第 1000 轮",
    "round 2000": "第 2000 轮",
    "round 3000": "第 3000 轮",
    "digits, both learn": "数字种类，两者都学习",
    "digits, D stands still": "数字种类，D 不变",
    "variance, both learn": "方差，两者都学习",
    "variance, D stands still": "方差，D 不变",
    "minimax": "极小极大",
    "non-saturating": "非饱和",
    "ratio": "比值",
    "dimensions": "维数",
    "truth, nats": "真值（奈特）",
    "estimate": "估计值",
    "error": "误差",
    "spread": "标准差",
    "beside one busy loop": "同时有一个忙循环",
}


@cache
def record(name: str) -> dict[str, Any]:
    """The content of ``results/NAME.json``."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def number(value: float | str | None, digits: int = 1) -> str:
    """A number for a table: thousands separated, a true minus sign, nothing for None.

    >>> number(-1234.56), number(None), number(0.00002, 3)
    ('−1,234.6', '', '2.0 × 10⁻⁵')
    """
    if value is None or isinstance(value, str):
        return value or ""
    if math.isinf(value):
        return "∞"
    if value and abs(value) < 10**-digits:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"{mantissa} × 10{power}".replace("-", "−")
    return f"{value:,.{digits}f}".replace("-", "−")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; all columns but the first are aligned to the right."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" + "--:|" * (len(header) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


class Tables:
    """All tables of the results pages in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.comma = ", " if language == "en" else "，"

    def word(self, english: str) -> str:
        """A word or label of a table in the language of the page."""
        if self.language == "en":
            return english
        if english in _CHINESE:
            return _CHINESE[english]
        head, tick, code = english.partition(" `")  # a word and a name in code
        if tick:
            return self.word(head) + tick + code
        model, comma, rest = english.partition(", ")
        return f"{_CHINESE.get(model, model)}，{_CHINESE.get(rest, rest)}" if comma else english

    def _header(self, *words: str) -> list[str]:
        return [self.word(word) for word in words]

    def over_seeds(self, run: str, kinds: Mapping[str, str]) -> str:
        """Parzen scores of all recorded seeds: a row for each kind of weights and grid.

        Args:
            run: the beginning of the files' names, e.g. ``mnist`` or ``mnist-fast``.
            kinds: the label of each row, by the end of the files' names, e.g. ``raw-paper``.
        """
        rows = []
        all_seeds = [n for n in range(1, 10) if any(FOLDER.glob(f"{run}-seed{n}-*.json"))]
        for end, label in kinds.items():
            names = [f"{run}-seed{seed}-{end}" for seed in all_seeds]
            scores = [
                record(name)["parzen"]["nats"] if (FOLDER / f"{name}.json").exists() else None
                for name in names
            ]
            known = [score for score in scores if score is not None]
            mean, spread = statistics.mean(known), statistics.stdev(known)
            grid = end.rpartition("-")[2]
            text = f"{self.word(label)}, {self.word('grid')} `{grid}`"
            cells = [*map(number, scores), f"**{number(mean)} ± {number(spread)}**"]
            rows.append([text if self.language == "en" else text.replace(", ", "，"), *cells])
        seeds = [f"{self.word('seed')} {seed}" for seed in all_seeds]
        return markdown_table(["", *seeds, self.word("mean ± spread over seeds")], rows)

    def published_setting(self) -> str:
        """The scores of the published setting on MNIST."""
        return self.over_seeds(
            "mnist",
            {
                "raw-paper": "raw G",
                "raw-fine": "raw G",
                "averaged-paper": "averaged G",
                "averaged-fine": "averaged G",
                "falling-raw-paper": "raw G, converged",
                "falling-raw-fine": "raw G, converged",
            },
        )

    def fast(self) -> str:
        """The scores of the preset ``fast`` on MNIST."""
        kinds = {f"{w}-{g}": f"{w} G" for w in ("raw", "averaged") for g in ("paper", "fine")}
        return self.over_seeds("mnist-fast", kinds)

    def calibration(self) -> str:
        """Scores of real images, k-means centroids and the mean image."""
        files = ("calibrate-mnist-paper", "calibrate-mnist-fine", "calibrate-mnist-5k-paper")
        by_file = [{row["name"]: row for row in record(name)["rows"]} for name in files]
        rows = [
            [
                self.word(name),
                *(f"{number(f[name]['nats'])} ± {number(f[name]['se'])}" for f in by_file),
            ]
            for name in by_file[0]
        ]
        labels = [f"`{record(n)['data']}`, `{record(n)['grid']}`" for n in files]
        return markdown_table(["", *labels], rows)

    def table1(self, data: str = "mnist") -> str:
        """All models of Table 1 on one data set."""
        rows = [
            [
                self.word(row["model"]),
                number(row["published"], 0),
                f"{number(row['nats'])} ± {number(row['se'])}",
                number(row["steps_per_sample"], 0),
                number(row["train_seconds"] and row["train_seconds"] / 60),
            ]
            for row in record("table1")["rows"]
            if row["dataset"] == data
        ]
        return markdown_table(
            self._header(
                "model", "published", "here, nats", "steps per sample", "trained, minutes"
            ),
            rows,
        )

    def measures(self) -> str:
        """Measures beyond the paper, with their values for real images."""
        files = {
            "measure-mnist-seed1-raw": "published setting, raw G",
            "measure-mnist-seed1-averaged": "published setting, averaged G",
            "measure-mnist-fast-seed1-raw": "preset fast, raw G",
            "measure-mnist-fast-seed1-averaged": "preset fast, averaged G",
        }
        names = ("frechet", "precision", "recall", "density", "coverage")
        rows = [
            [self.word(label), *(number(record(file)["model"][name], 2) for name in names)]
            for file, label in files.items()
        ]
        floor = record("measure-mnist-seed1-raw")["floor"]
        rows.append([self.word("real images"), *(number(floor[name], 2) for name in names)])
        header = ("", "Fréchet distance", "precision", "recall", "density", "coverage")
        return markdown_table(self._header(*header), rows)

    def other_data(self) -> str:
        """Scores on the stand-ins for TFD and CIFAR-10: small presets and the published size."""
        runs = (
            *("tfd-standin-small", "tfd-standin-stage2-small", "tfd-standin-r1"),
            *("tfd-standin-r1-8000", "tfd-standin-stage2-r1"),
            *("cifar10-copy-small", "cifar10-copy-convolutional-small", "cifar10-copy-seed2"),
            "cifar10-copy-r1",
            *("cifar10-copy-convolutional-adam", "cifar10-copy-convolutional-adam-3023"),
        )
        scores = [
            [record(f"{run}-{weights}-paper")["parzen"] for weights in ("raw", "averaged")]
            for run in runs
        ]
        rows = [
            [f"`{run}`", *(f"{number(s['nats'])} ± {number(s['se'])}" for s in pair)]
            for run, pair in zip(runs, scores, strict=True)
        ]
        return markdown_table(self._header("one run", "raw G", "averaged G"), rows)

    def claim(self, name: str) -> str:
        """The rows of one claim's record."""
        found: list[dict[str, Any]] = record(f"claim-{name}")["rows"]
        rows = [[number(v, 0 if isinstance(v, int) else 3) for v in row.values()] for row in found]
        return markdown_table(self._header(*found[0]), rows)

    # --- The playground's speed -------------------------------------------------------------------

    def _playground_text(self, name: str) -> str:
        return WORDS[name]["en" if self.language == "en" else "zh"]

    def _both_machines(self, name: str) -> list[dict[str, Any]]:
        """The records of the idle machine and of the machine with a busy loop, if they exist."""
        files = (name, f"{name}-busy")
        return [record(file) for file in files if (FOLDER / f"{file}.json").exists()]

    def _machine_header(self, found: list[dict[str, Any]], *words: str) -> list[str]:
        ends = []
        for one in found:
            busy = "" if one["machine"] == "alone" else self.comma + self.word("beside a busy loop")
            ends.append(f"{busy}{self.comma}{self.word('load')} {number(one['load'])}")
        return [self.word(word) + end for end in ends for word in words]

    def playground_boards(self) -> str:
        """Frames, rounds and clicks of each board of the playground."""
        found = self._both_machines("playground")
        rows = []
        for same in zip(*(one["boards"] for one in found), strict=True):
            first = same[0]
            label = self._playground_text(f"data {first['data']}")
            label += self.comma + self.word("two games") if first["games"] == 2 else ""
            cells = [
                number(b[key], digits)
                for b in same
                for key, digits in (("frames", 1), ("rounds", 0), ("click_ms", 0))
            ]
            rows.append([label, str(first["rounds_per_frame"]), *cells])
        header = self._machine_header(found, "frames/s", "rounds/s", "click, ms")
        return markdown_table([*self._header("data", "rounds per frame"), *header], rows)

    def playground_lessons(self) -> str:
        """Seconds from Play until each lesson pauses."""
        found = self._both_machines("playground")
        rows = [
            [self._playground_text(f"lesson {name}"), *(number(o["lessons"][name]) for o in found)]
            for name in found[0]["lessons"]
        ]
        header = self._machine_header(found, "seconds until it pauses")
        return markdown_table([self.word("lesson"), *header], rows)

    def playground_visitors(self) -> str:
        """A class of simultaneous visitors."""
        found = self._both_machines("playground-visitors")
        rows = [
            [
                f"{one['served']} / {one['visitors']}",
                str(one["seconds"]),
                number(one["frames"], 2),
                number(one["rounds"]),
                *(number(value, 2) for value in one["click_s"]),
                *(number(value, 0) for value in one["memory_mb"]),
                self.word(one["machine"]),
                number(one["load"]),
            ]
            for one in found
        ]
        header = ("pages served", "seconds", "frames/s", "rounds/s", "click, s: median", "95 %")
        memory = ("memory, MB: before", "at the end", "at most", "machine", "load")
        return markdown_table(self._header(*header, *memory), rows)


TABLES = [name for name in vars(Tables) if not name.startswith("_")]
"""The names of the tables, as the pages call them."""
