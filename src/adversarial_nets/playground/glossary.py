"""Terms with explanations that the page shows on a click, as in ``docs/glossary.md``.

In a text, ``[[term]]`` marks a term, and ``[[words|term]]`` a term written in other words.
"""

from collections.abc import Sequence

from adversarial_nets.languages import Text, text

__all__ = ["GLOSSARY"]

GLOSSARY: Sequence[tuple[Text, Text]] = (
    (
        text("generator", "生成器"),
        text("Network that maps noise z to a sample x.", "把噪声 z 映射为样本 x 的网络。"),
    ),
    (
        text("discriminator", "判别器"),
        text(
            "Network whose output is the probability that x is data and not a sample.",
            "输出“x 来自真实数据而非生成样本”的概率的网络。",
        ),
    ),
    (
        text("value function", "价值函数"),
        text(
            "Equation 1: E log D(x) + E log(1 − D(G(z))).",
            "公式 1：E log D(x) + E log(1 − D(G(z)))。",
        ),
    ),
    (
        text("minimax objective", "极小极大目标函数"),
        text("G minimises its own term of Equation 1.", "G 最小化公式 1 中与自己有关的一项。"),
    ),
    (
        text("non-saturating objective", "非饱和目标函数"),
        text(
            "G maximises this instead; its gradient is larger early in training.",
            "G 改为最大化这一项；训练初期它的梯度更大。",
        ),
    ),
    (
        text("saturation", "饱和"),
        text("The gradient vanishes because D is certain.", "D 过于确信，导致梯度趋于 0。"),
    ),
    (
        text("optimal discriminator", "最优判别器"),
        text(
            "p_data / (p_data + p_g), the best D for a fixed G.",
            "p_data / (p_data + p_g)，即 G 固定时最好的 D。",
        ),
    ),
    (
        text("virtual training criterion", "虚拟训练准则"),
        text(
            "max_D V(D, G) = −log 4 + 2·JSD(p_data ‖ p_g).",
            "max_D V(D, G) = −log 4 + 2·JSD(p_data ‖ p_g)。",
        ),
    ),
    (
        text("round", "轮"),
        text(
            "One iteration of Algorithm 1: k updates of D and one of G.",
            "算法 1 的一次迭代：D 更新 k 步，G 更新一步。",
        ),
    ),
    (
        text("head start", "先单独训练 G"),
        text("Rounds at the beginning in which only G is trained.", "开头只训练 G 的若干轮。"),
    ),
    (
        text("mode collapse", "模式崩溃"),
        text("G maps many z to nearly the same x.", "G 把许多 z 映射到几乎相同的 x。"),
    ),
    (text("mode", "模式"), text("A peak of p_data.", "p_data 的一个峰。")),
    (
        text("exponential moving average", "指数滑动平均"),
        text(
            "Average of G's weights over past rounds (`--ema-decay`).",
            "对过去各轮 G 的权重所作的平均（`--ema-decay`）。",
        ),
    ),
    (
        text("joint game", "联合博弈"),
        text(
            "G and E are trained together; D compares pairs (BiGAN, arXiv:1605.09782).",
            "G 与 E 一起参加博弈，D 看到的是配对 (x, z)（BiGAN，arXiv:1605.09782）。",
        ),
    ),
    (
        text("R1 penalty", "R1 正则项"),
        text(
            "γ/2 · E‖∇ₓ logit‖² on data, added to D's loss; not in the paper (arXiv:1801.04406).",
            "在 D 的损失中加入数据处的 γ/2 · E‖∇ₓ logit‖²；论文中没有（arXiv:1801.04406）。",
        ),
    ),
    (
        text("R2 penalty", "R2 正则项"),
        text(
            "γ/2 · E‖∇ₓ logit‖² on samples, added to D's loss; not in the paper "
            "(arXiv:1801.04406).",
            "在 D 的损失中加入样本处的 γ/2 · E‖∇ₓ logit‖²；论文中没有（arXiv:1801.04406）。",
        ),
    ),
)
"""Each term and its meaning."""
