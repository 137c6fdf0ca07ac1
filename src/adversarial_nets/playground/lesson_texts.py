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
    # --- What to look at on each board ---
    "look": text("What to look at", "看点"),
    "look line": text(
        "The dotted curve is p_data, the green one p_g, the density of G(z). The arrows lead from "
        "z to x = G(z): where they are dense, p_g is large.\n"
        "D (dashed) learns to tell data from samples. Its optimum for the present G is "
        "D*(x) = p_data(x) / (p_data(x) + p_g(x)), the thin curve. Press Train D a few times: D "
        "comes near D*. Press Train G: the samples move to where D is larger.\n"
        "V(D, G) is at most −log 4 + 2·JSD(p_data ‖ p_g), the green curve below, and equals it for "
        "D = D*. In the end p_g = p_data, D = ½, and both are −log 4.",
        "虚点线是 p_data，绿线是 p_g，即 G(z) 的密度。箭头由 z 指向 x = G(z)：箭头越密，"
        "p_g 越大。\n"
        "D（虚线）学习区分真实数据与生成样本。对当前的 G，最优判别器为 "
        "D*(x) = p_data(x) / (p_data(x) + p_g(x))，即细线。多次点击“只训练 D”，D 会接近 D*；"
        "点击“只训练 G”，样本移向 D 较大的位置。\n"
        "V(D, G) 不超过 −log 4 + 2·JSD(p_data ‖ p_g)（下图绿线），当 D = D* 时两者相等。"
        "最终 p_g = p_data，D = ½，两条曲线都到达 −log 4。",
    ),
    "look plane": text(
        "Grey points are data, green points are samples G(z). The background shows D(x): blue "
        "where D takes x for data, green where it takes x for a sample, white for ½.\n"
        "The green lines are a grid in z, mapped by G. Move the mouse over the square below: the "
        "star is G(z). The arrows show −∇ₓ of G's objective: where G's next update moves the "
        "samples. For log(1 − D(G(z))) they vanish where D is near 0.\n"
        "Watch the number of modes covered. If D is too weak, G maps many z to one x and leaves "
        "modes out (mode collapse); then JSD stays large.",
        "灰点是真实数据，绿点是生成样本 G(z)。背景颜色表示 D(x)：蓝色处 D 认为 x 是真实数据，"
        "绿色处认为是生成样本，白色为 ½。\n"
        "绿色细线是经 G 映射的 z 网格。在下方的方框中移动鼠标，图中的星标即为 G(z)。"
        "箭头是 G 的目标函数对 x 的负梯度，表示 G 下一次更新时样本的移动方向；"
        "若目标函数为 log(1 − D(G(z)))，在 D 接近 0 处箭头消失。\n"
        "注意覆盖的模式数。若 D 太弱，G 会把许多 z 映射到同一个 x，遗漏部分模式（模式崩溃），"
        "JSD 也就一直很大。",
    ),
    "look images": text(
        "Each image is G(z) for a fixed z, so you can follow how one image changes. In the first "
        "few hundred rounds all look alike; then strokes and digits appear.\n"
        "The histogram shows D on held-out images (blue) and on samples (green). If the two are "
        "apart, D tells them apart easily, and G's gradient is small. For the optimum D = ½ they "
        "would be equal.\n"
        "Show the nearest training images: if samples were copies, G would have memorised. Move "
        "over the square: between two values of z the images change gradually.",
        "每张图像都是固定的 z 对应的 G(z)，可以观察同一张图像如何变化。最初几百轮所有图像几乎相同，"
        "之后逐渐出现笔画和数字。\n"
        "直方图表示 D 在留出图像（蓝）与生成样本（绿）上的输出。两者相距很远时，D 很容易区分，"
        "G 的梯度很小；在最优情形 D = ½ 下，两者应当重合。\n"
        "可以显示最近邻训练图像：若样本与之雷同，说明 G 只是记住了训练数据。"
        "在方框内移动鼠标：z 连续变化时，图像也随之渐变。",
    ),
}
