"""What to look at on each board and in each lesson, in English and in Chinese."""

from collections.abc import Mapping
from typing import Literal

__all__ = ["LESSON_TEXTS", "Language", "Text", "text"]

Language = Literal["en", "zh"]

Text = Mapping[Language, str]
"""A text in each language."""


def text(en: str, zh: str) -> Text:
    """A text in both languages."""
    return {"en": en, "zh": zh}


LESSON_TEXTS: Mapping[str, Text] = {
    "lesson figure 1": text("Figure 1, animated", "图 1 动态演示"),
    "lesson collapse": text("Mode collapse", "模式崩溃"),
    "lesson saturation": text("The minimax objective saturates", "极小极大目标函数的饱和"),
    "lesson k too large": text("k too large", "k 过大"),
    "lesson G first": text("A head start for G", "先单独训练 G"),
    "lesson circling": text("Oscillation", "振荡"),
    "lesson zero width": text("A ring of zero width", "零宽度圆环"),
    "about figure 1": text(
        "Press Play. D first learns where data are more frequent than samples and comes near D*. G "
        "follows D's gradient, and p_g moves to p_data. In the end D(x) = ½ and V = −log 4.",
        "点击“运行”。D 先学会识别数据比样本更密集的区域，并接近 D*；G 沿 D 的梯度更新，"
        "p_g 随之移向 p_data。最终 D(x) = ½，V = −log 4。",
    ),
    "about collapse": text(
        "Game A: D learns four times slower than G. G maps many z to one x and moves from mode to "
        "mode (the paper calls this “the Helvetica scenario”). Game B: D learns fast enough, and G "
        "covers all modes.",
        "博弈 A：D 的学习率只有 G 的四分之一，G 把许多 z 映射到同一个 x，"
        "并在各个模式之间来回移动（论文称之为“Helvetica 情景”）。博弈 B：D 学得足够快，"
        "G 覆盖了所有模式。",
    ),
    "about saturation": text(
        "G's first samples form a small cluster where there are no data, and D soon rejects them "
        "all. Game A, log(1 − D(G(z))): the gradient is nearly 0, the arrows vanish, the cluster "
        "stays. Game B, −log D(G(z)): the gradient is large, and the cluster moves to the data.",
        "G 最初的样本聚成一小团，周围没有数据，D 很快就能识别出所有生成样本。博弈 A："
        "log(1 − D(G(z)))，梯度接近 0，箭头消失，样本停在原处。博弈 B：−log D(G(z))，梯度较大，"
        "样本移向数据。",
    ),
    "about k too large": text(
        "D is updated k times for each update of G. Game A, k = 1: p_g comes near the data. Game "
        "B, k = 30: D stays near D*, as the theory assumes, but each round costs many times more, "
        "and G learns less: its JSD stays more than twice as large.",
        "G 每更新一次，D 更新 k 次。博弈 A：k = 1，p_g 接近数据分布。博弈 B：k = 30，"
        "D 如理论所假设的那样保持在 D* 附近，但每轮的计算量大了许多倍，G 反而学得更差，"
        "JSD 始终在博弈 A 的两倍以上。",
    ),
    "about G first": text(
        "Game A: G is trained alone for 100 rounds against an untrained D, and p_g moves away from "
        "the data. Game B: both are trained from the start. A short head start may help G; this "
        "one harms it.",
        "博弈 A：D 尚未训练，先单独训练 G 100 轮，p_g 远离了数据分布。博弈 B："
        "从一开始就同时训练两个网络。先单独训练 G 若干轮有时有益，此例中则有害。",
    ),
    "about circling": text(
        "Game A: two small networks with a constant learning rate oscillate. The paper's proof "
        "updates p_g itself; in practice gradient steps update parameters. Game B: the game of "
        "Figure 1.",
        "博弈 A：两个小网络以恒定学习率训练，出现振荡。论文的证明直接更新 p_g，"
        "而实际训练中梯度法更新的是参数。博弈 B：图 1 的博弈。",
    ),
    "about zero width": text(
        "These data lie on a curve, so they have no density in the plane. Adversarial nets do not "
        "need one: watch the distance from the ring decrease and the angles being covered.",
        "这些数据位于一条曲线上，在平面上没有概率密度。对抗网络并不需要密度：可以看到，"
        "样本到圆环的距离逐渐减小，覆盖的角度逐渐增多。",
    ),
}
