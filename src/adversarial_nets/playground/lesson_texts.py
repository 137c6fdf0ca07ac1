"""Texts that explain each board and each lesson, in English and in Chinese.

Each line is a paragraph; a line that begins with ``=`` is a formula. ``[[term]]`` or
``[[words|term]]`` is a term of `glossary`.
"""

import re
from collections.abc import Mapping

from adversarial_nets.languages import Text, text

__all__ = ["LESSON_TEXTS", "plain_text"]


LESSON_TEXTS: Mapping[str, Text] = {
    "lesson figure 1": text("Figure 1, animated", "图 1 动态演示"),
    "lesson collapse": text("Mode collapse", "模式崩溃"),
    "lesson saturation": text("The minimax objective saturates", "极小极大目标函数的饱和"),
    "lesson k too large": text("k too large", "k 过大"),
    "lesson G first": text("A head start for G", "先单独训练 G"),
    "lesson circling": text("Oscillation", "振荡"),
    "lesson zero width": text("A ring of zero width", "零宽度圆环"),
    "lesson least squares": text("Least squares", "最小二乘目标函数"),
    "lesson hinge": text("Hinge", "合页目标函数"),
    "lesson relativistic": text("Relativistic, R1 and R2", "相对式配对、R1 与 R2"),
    "lesson R1": text("R1 stops the oscillation", "R1 抑制振荡"),
    "lesson averaging": text("Averaging G's weights", "G 的权重滑动平均"),
    "lesson joint": text("The joint game: an encoder E", "联合博弈：编码器 E"),
    "about figure 1": text(
        "One game on a line, from the first round, as in Figure 1 of the paper.\n"
        "Press Play. The [[discriminator]] (dashed) first learns where data are more "
        "frequent than samples and comes near the [[optimal discriminator]] D* (thin). Then "
        "p_g (green) moves to p_data (dotted), because G follows the gradient of D.\n"
        "= D*(x) = p_data(x) / (p_data(x) + p_g(x)) → ½\n"
        "In the end the [[value function]] is V = −log 4, the least value of the [[virtual "
        "training criterion]] −log 4 + 2·JSD.",
        "一维数据上的一局博弈，从第一轮开始，对应论文图 1。\n"
        "点击“运行”。[[判别器]]（虚线）先学会识别数据比样本更密集的区域，接近[[最优判别器]] "
        "D*（细线）；然后 G 沿 D 的梯度更新，p_g（绿）移向 p_data（点线）。\n"
        "= D*(x) = p_data(x) / (p_data(x) + p_g(x)) → ½\n"
        "最终[[价值函数]] V = −log 4，这是[[虚拟训练准则]] −log 4 + 2·JSD 的最小值。",
    ),
    "about collapse": text(
        "Game A: D learns four times slower than G. Game B: D learns four times faster than G, as "
        "by default.\n"
        "In game A watch the number of [[modes|mode]] covered: G maps many z to one x and moves "
        "from mode to mode ([[mode collapse]]; the paper calls this “the Helvetica scenario”). In "
        "game B the samples spread over all eight.\n"
        "= min_G max_D V(D, G) ≠ max_D min_G V(D, G)\n"
        "The theory assumes that D reaches its optimum before G is updated. If D is too slow, G's "
        "best response is the single point x where D(x) is largest.",
        "博弈 A：D 的学习率只有 G 的四分之一。博弈 B：D 的学习率是 G 的四倍（默认设置）。\n"
        "注意博弈 A 中覆盖的[[模式]]数：G 把许多 z 映射到同一个 x，并在各个模式之间来回移动（"
        "[[模式崩溃]]，论文称之为“Helvetica 情景”）。博弈 B 的样本则分布到全部八个模式。\n"
        "= min_G max_D V(D, G) ≠ max_D min_G V(D, G)\n"
        "理论假设 G 更新之前 D 已达到最优。若 D 太慢，G 的最优应对就是只取 D(x) 最大的那一点。",
    ),
    "about saturation": text(
        "G's first samples form a small cluster where there are no data, and D soon rejects "
        "them all. Game A: the [[minimax objective]]. Game B: the [[non-saturating "
        "objective]].\n"
        "Watch the arrows, the negative gradient of G's objective. In game A they vanish and "
        "the cluster stays ([[saturation]]); in game B they are long, and the cluster moves "
        "to the data.\n"
        "= ∇_x log(1 − D(x)) = −D(x) · ∇_x a(x),   ∇_x log D(x) = (1 − D(x)) · ∇_x a(x)\n"
        "With D's logit a. Where D(x) is near 0, the first is nearly 0 and the second is "
        "not.",
        "G 最初的样本聚成一小团，周围没有数据，D 很快就能识别出所有生成样本。博弈 A：[[极小极"
        "大目标函数]]。博弈 B：[[非饱和目标函数]]。\n"
        "注意箭头，即 G 的目标函数的负梯度。博弈 A 的箭头消失，样本停在原处（[[饱和]]）；博弈"
        " B 的箭头很长，样本移向数据。\n"
        "= ∇_x log(1 − D(x)) = −D(x) · ∇_x a(x),   ∇_x log D(x) = (1 − D(x)) · ∇_x a(x)\n"
        "其中 a 是 D 的 logit。在 D(x) 接近 0 处，前者几乎为 0，后者则不然。",
    ),
    "about k too large": text(
        "D is updated k times in each [[round]]. Game A: k = 1. Game B: k = 30.\n"
        "In game B D stays near the [[optimal discriminator]], as the theory assumes, but "
        "each round costs many times more. Watch the green curve below: game A comes near "
        "the data, the JSD of game B stays more than twice as large.\n"
        "= D ≈ D*  ⇒  V(D, G) ≈ −log 4 + 2·JSD(p_data ‖ p_g)\n"
        "§3 of the paper: optimising D to completion in the inner loop is computationally "
        "prohibitive, and on finite data would overfit.",
        "每一[[轮]]把 D 更新 k 次。博弈 A：k = 1。博弈 B：k = 30。\n"
        "博弈 B 的 D 如理论所假设的那样保持在[[最优判别器]]附近，但每轮的计算量大了许多倍。注"
        "意下方的绿色曲线：博弈 A 接近数据分布，博弈 B 的 JSD 始终在博弈 A 的两倍以上。\n"
        "= D ≈ D*  ⇒  V(D, G) ≈ −log 4 + 2·JSD(p_data ‖ p_g)\n"
        "论文 §3：在内层循环中把 D 优化到最优，计算量大得不可行，而且在有限数据上会过拟合。",
    ),
    "about G first": text(
        "Game A: G is trained alone for 100 rounds against an untrained D (a [[head "
        "start]]). Game B: both are trained from the start.\n"
        "Watch p_g in the first 100 rounds of game A: it moves away from the data, to where "
        "the first D happens to be large. Then D begins to learn, and p_g comes back "
        "slowly.\n"
        "= G → argmax_x D(x) for a fixed D\n"
        "The paper says that a weak G is rejected early on. A short head start may help G; "
        "this one harms it, because D's gradient holds no information on the data yet.",
        "博弈 A：D 尚未训练，[[先单独训练 G]] 100 轮。博弈 B：从一开始就同时训练两个网络。\n"
        "注意博弈 A 最初 100 轮中的 p_g：它远离数据，移向初始的 D 恰好较大的地方。D 开始训练"
        "之后，p_g 才慢慢回来。\n"
        "= D 固定时：G → argmax_x D(x)\n"
        "论文指出，训练初期 G 较弱，样本容易被 D 识别。先单独训练 G 若干轮有时有益，此例中则"
        "有害，因为 D 的梯度尚不含数据的信息。",
    ),
    "about circling": text(
        "Game A: two small networks with a constant learning rate. Game B: the game of "
        "Figure 1.\n"
        "In game A p_g moves back and forth past the data, and D follows it. Watch the "
        "curves: the [[value function]] V and JSD rise and fall. Drag the history slider to "
        "see it again.\n"
        "= p_g^{t+1} = p_g^t − ε · ∂C/∂p_g   (the proof)      θ^{t+1} = θ^t − ε · ∂V/∂θ   "
        "(practice)\n"
        "The paper's proof of convergence (§4.2) updates p_g itself, against the optimal D. "
        "In practice gradient steps update the parameters of both networks, which may "
        "oscillate.",
        "博弈 A：两个小网络以恒定学习率训练。博弈 B：图 1 的博弈。\n"
        "博弈 A 的 p_g 在数据附近来回移动，D 也随之变化。注意曲线：[[价值函数]] V 与 JSD 时升"
        "时降。拖动历史滑块可以重看。\n"
        "= p_g^{t+1} = p_g^t − ε · ∂C/∂p_g（证明）      θ^{t+1} = θ^t − ε · ∂V/∂θ（实际）\n"
        "论文的收敛性证明（§4.2）每一步都取最优的 D，并直接更新 p_g；实际训练中，梯度法更新的是"
        "两个网络的参数，因而可能振荡。",
    ),
    "about zero width": text(
        "These data lie on a curve, so they have no density in the plane.\n"
        "Watch the distance from the ring decrease, and the share of angles that are covered "
        "increase. JSD and KL are not shown: for every G with a density they are constant.\n"
        "= JSD(p_data ‖ p_g) = log 2,   KL(p_data ‖ p_g) = ∞\n"
        "The [[generator]] only needs the gradient of D at its samples. The paper says that "
        "adversarial nets can represent sharp, even degenerate distributions (§6).",
        "这些数据位于一条曲线上，在平面上没有概率密度。\n"
        "可以看到，样本到圆环的距离逐渐减小，覆盖的角度逐渐增多。这里不显示 JSD 和 KL：只要 "
        "G 的分布有密度，它们就是常数。\n"
        "= JSD(p_data ‖ p_g) = log 2,   KL(p_data ‖ p_g) = ∞\n"
        "[[生成器]]只需要 D 在样本处的梯度。论文指出，对抗网络可以表示尖锐甚至退化的分布"
        "（§6）。",
    ),
    "about least squares": text(
        "25 Gaussians. Game A: the [[non-saturating objective]]. Game B: least squares, in "
        "which D's output has no sigmoid and is trained towards 1 on data and 0 on samples.\n"
        "Watch the number of [[modes|mode]] covered: at round 500 it is about 23 in game B "
        "and smaller in game A, which needs longer. In game B a sample has a gradient as long "
        "as D's output for it differs from 1, however certain D is.\n"
        "= min_D ½ E (a(x) − 1)² + ½ E a(G(z))²,   min_G ½ E (a(G(z)) − 1)²\n"
        "The optimal D is again p_data / (p_data + p_g). With D fixed at it, G's loss is "
        "½ E_{p_g} (D* − 1)²; the solution is again p_g = p_data (arXiv:1611.04076).",
        "25 个高斯分布。博弈 A：[[非饱和目标函数]]。博弈 B：最小二乘，D 的输出不经过 sigmoid，"
        "训练时在真实数据处趋于 1，在生成样本处趋于 0。\n"
        "注意覆盖的[[模式]]数：到第 500 轮，博弈 B 约为 23 个，博弈 A 较少（它需要更多轮）。"
        "博弈 B 中，只要 D 在样本处的输出不等于 1，无论 D 多么确信，都有梯度。\n"
        "= min_D ½ E (a(x) − 1)² + ½ E a(G(z))²,   min_G ½ E (a(G(z)) − 1)²\n"
        "最优的 D 仍是 p_data / (p_data + p_g)。把 D 固定在最优处时，G 的损失为 "
        "½ E_{p_g} (D* − 1)²；博弈的解仍是 p_g = p_data（arXiv:1611.04076）。",
    ),
    "about hinge": text(
        "25 Gaussians. Game A: the [[non-saturating objective]]. Game B: hinge, in which a point "
        "no longer changes D once D classifies it correctly with a margin of 1.\n"
        "Watch the number of [[modes|mode]] covered, which at round 500 is larger in game B than "
        "in game A with seed 0 (not with every seed), and the background: in game B D's colours "
        "stay paler, because only data and samples inside the margin change D. G gets the gradient "
        "of D's output everywhere.\n"
        "= min_D E max(0, 1 − a(x)) + E max(0, 1 + a(G(z))),   min_G −E a(G(z))\n"
        "The optimal D is sign(p_data − p_g); G then minimises the total variation "
        "(arXiv:1705.02894, arXiv:1802.05957).",
        "25 个高斯分布。博弈 A：[[非饱和目标函数]]。博弈 B：合页目标函数，若 D 对某一点判断正确"
        "且间隔达到 1，该点就不再影响 D。\n"
        "注意覆盖的[[模式]]数（种子 0 第 500 轮时博弈 B 多于博弈 A，其他种子不一定）和背景：博弈 B "
        "的颜色较浅，因为只有间隔之内的数据和样本才会影响 D；而 G 在任何地方都能得到 D 的输出"
        "的梯度。\n"
        "= min_D E max(0, 1 − a(x)) + E max(0, 1 + a(G(z))),   min_G −E a(G(z))\n"
        "最优的 D 是 sign(p_data − p_g)；此时 G 最小化全变差距离（arXiv:1705.02894、"
        "arXiv:1802.05957）。",
    ),
    "about relativistic": text(
        "25 Gaussians. Game A: the paper's game with the [[non-saturating objective]]. Game B: "
        "relativistic pairing with the [[R1 penalty]] and the [[R2 penalty]], as in R3GAN (2024).\n"
        "Watch the number of [[modes|mode]] covered: about 20 from round 100 on in game B; game A "
        "needs several hundred rounds more. The penalties keep D smooth, so that its gradient "
        "leads samples to modes that are still empty.\n"
        "= min_D E log(1 + e^(a(G(z)) − a(x))) + γ/2 · E‖∇a(x)‖² + γ/2 · E‖∇a(G(z))‖²\n"
        "D's output only has to be larger on data than on the paired sample, and G is trained for "
        "the opposite. Only differences of outputs matter, not their level, so samples do not "
        "gather in one region (arXiv:2501.05441).",
        "25 个高斯分布。博弈 A：论文的博弈，使用[[非饱和目标函数]]。博弈 B：相对式配对加[[R1 "
        "正则项]]和[[R2 正则项]]，即 2024 年的 R3GAN。\n"
        "注意覆盖的[[模式]]数：博弈 B 从第 100 轮起约为 20 个；博弈 A 要多用几百轮。"
        "正则项使 D 保持平滑，它的梯度把样本引向尚未覆盖的模式。\n"
        "= min_D E log(1 + e^(a(G(z)) − a(x))) + γ/2 · E‖∇a(x)‖² + γ/2 · E‖∇a(G(z))‖²\n"
        "D 只需使自己在真实数据上的输出大于在与之配对的样本上的输出，G 则相反；"
        "起作用的只是输出之差，而不是输出的绝对大小，因此样本不会聚集到某一个区域（arXiv:2501.05441）。",
    ),
    "about R1": text(
        "The small networks of the lesson on oscillation. Game A: without a penalty. Game B: "
        "the same with the [[R1 penalty]].\n"
        "Watch the curve: in game A JSD keeps rising and falling, in game B the oscillation "
        "dies out. D (dashed) is much flatter in game B.\n"
        "= min_D −V(D, G) + γ/2 · E‖∇_x a(x)‖²\n"
        "A steep D moves p_g past the data, and back again. The penalty makes D nearly "
        "constant on the data, as it is at the optimum, D = ½; near that point the "
        "game then converges (Mescheder et al. 2018, arXiv:1801.04406).",
        "与“振荡”一课相同的小网络。博弈 A：不加正则项。博弈 B：加[[R1 正则项]]。\n"
        "注意曲线：博弈 A 的 JSD 反复升降，博弈 B 的振荡则逐渐消失。博弈 B 的 D（虚线）平坦得"
        "多。\n"
        "= min_D −V(D, G) + γ/2 · E‖∇_x a(x)‖²\n"
        "D 陡峭时，p_g 会越过数据，然后又退回来。正则项使 D 在数据上趋于常数，而最优时 D = ½ "
        "正是常数；因此博弈在该点附近收敛（arXiv:1801.04406）。",
    ),
    "about averaging": text(
        "The same game twice, with a large constant learning rate. Game A shows G. Game B shows an "
        "[[exponential moving average]] of G's weights; the training is the same.\n"
        "Watch JSD below: in game A it jumps from frame to frame, in game B it is smaller and "
        "steady. The average does not affect the training.\n"
        "= θ̄ ← β·θ̄ + (1 − β)·θ after each round, with β = .99\n"
        "Near the optimum, G's weights move around it. Their average is nearer to the optimum than "
        "most of them. This is not in the paper; today almost all published samples are made this "
        "way.",
        "同一局博弈进行两次，学习率大而恒定。博弈 A 显示 G；博弈 B 显示 G 的权重的[[指数滑动"
        "平均]]；两局的训练过程完全相同。\n"
        "注意下方的 JSD：博弈 A 的值逐帧跳动，博弈 B 的值更小也更平稳。滑动平均不影响博弈，D "
        "从不接触它。\n"
        "= 每轮之后 θ̄ ← β·θ̄ + (1 − β)·θ，β = 0.99\n"
        "G 的权重在最优点附近来回移动，它们的平均比其中大多数更接近最优点。论文中没有这一做法，"
        "如今发表的样本几乎都是这样得到的。",
    ),
    "about joint": text(
        "25 Gaussians. Game A: G alone. Game B: the [[joint game]], in which an encoder E "
        "maps data x back to noise z, and D compares pairs.\n"
        "In game B the dots in the square below are E(x), and a line leads from each x to "
        "G(E(x)). E makes no clear difference to the number of [[modes|mode]] covered. At "
        "round 500 press Play again: the lines become short, because E and G learn to invert "
        "each other.\n"
        "= min_{G,E} max_D E log D(x, E(x)) + E log(1 − D(G(z), z))\n"
        "If the pairs have the same distribution, then E = G⁻¹. A mode that G leaves out "
        "would have no z of its own (§7; BiGAN, arXiv:1605.09782; ALI, arXiv:1606.00704).",
        "25 个高斯分布。博弈 A：只有 G。博弈 B：[[联合博弈]]，编码器 E 把数据 x 映射回噪声 z，"
        "D 比较的是配对。\n"
        "博弈 B 下方方框中的点是 E(x)，图中连线从 x 指向 G(E(x))。有没有 E，对覆盖的[[模式]]数"
        "没有明显影响。到第 500 轮时再次点击“运行”：连线逐渐变短，E 与 G 学会互为逆映射。\n"
        "= min_{G,E} max_D E log D(x, E(x)) + E log(1 − D(G(z), z))\n"
        "若两种配对的分布相同，则 E = G⁻¹。G 遗漏的模式不会有自己的 z（§7；BiGAN，"
        "arXiv:1605.09782；ALI，arXiv:1606.00704）。",
    ),
    # --- What to look at on each board ---
    "look": text("What to look at", "观察要点"),
    "look line": text(
        "The dotted curve is p_data, the green one p_g, the density of G(z). The arrows lead from "
        "z to x = G(z): where they are dense, p_g is large.\n"
        "The [[discriminator]] D (dashed) learns to distinguish data from samples; the thin curve "
        "is the [[optimal discriminator]] for the current G. Press Train D a few times: D comes "
        "near D*. Press Train G: the samples move to where D is larger.\n"
        "= D*(x) = p_data(x) / (p_data(x) + p_g(x)),   V(D, G) ≤ −log 4 + 2·JSD(p_data ‖ p_g)\n"
        "The right side is the [[virtual training criterion]], the green curve below; for D = D* "
        "both sides are equal. In the end p_g = p_data, D = ½, and both are −log 4.",
        "点线是 p_data，绿线是 p_g，即 G(z) 的密度。箭头由 z 指向 x = G(z)：箭头越密，p_g "
        "越大。\n"
        "[[判别器]] D（虚线）学习区分真实数据与生成样本，细线是当前 G 的[[最优判别器]]。多次"
        "点击“只训练 D”，D 会接近 D*；点击“只训练 G”，样本移向 D 较大的位置。\n"
        "= D*(x) = p_data(x) / (p_data(x) + p_g(x)),   V(D, G) ≤ −log 4 + 2·JSD(p_data ‖ "
        "p_g)\n"
        "不等式右边是[[虚拟训练准则]]（下图绿线），当 D = D* 时两边相等。最终 p_g = p_data，"
        "D = ½，两条曲线都到达 −log 4。",
    ),
    "look plane": text(
        "Points in the colour of the text are data, green points are samples G(z). The background "
        "shows D(x): blue where D classifies x as data, green where it classifies x as a sample, "
        "the colour of the page for ½.\n"
        "The thin lines are a grid in z, mapped by the [[generator]]. Move the mouse over the "
        "square below: the star is G(z). The arrows show where G's next update moves the samples; "
        "for the [[minimax objective]] they vanish where D is near 0 ([[saturation]]).\n"
        "= −∇_x log(1 − D(x)) = D(x) · ∇_x a(x),   ∇_x log D(x) = (1 − D(x)) · ∇_x a(x)\n"
        "Watch the number of [[modes|mode]] covered. If D is too weak, G maps many z to one x and "
        "leaves modes out ([[mode collapse]]); then JSD stays large.",
        "与文字同色的点是真实数据，绿点是生成样本 G(z)。背景颜色表示 D(x)：蓝色处 D 认为 x 是"
        "真实数据，绿色处认为是生成样本，与页面同色处为 ½。\n"
        "细线是经[[生成器]]映射的 z 网格。在下方的方框中移动鼠标，图中的星标即为 G(z)。箭头表"
        "示 G 下一次更新时样本的移动方向；若使用[[极小极大目标函数]]，在 D 接近 0 处箭头消失"
        "（[[饱和]]）。\n"
        "= −∇_x log(1 − D(x)) = D(x) · ∇_x a(x),   ∇_x log D(x) = (1 − D(x)) · ∇_x a(x)\n"
        "注意覆盖的[[模式]]数。若 D 太弱，G 会把许多 z 映射到同一个 x，遗漏部分模式（[[模式崩"
        "溃]]），JSD 也就一直很大。",
    ),
    "look images": text(
        "Each image is G(z) for a fixed z, so you can follow how one image changes. In the first "
        "few hundred rounds all look alike; then strokes and digits appear. With classes as inputs "
        "each column is one class.\n"
        "The histogram shows D on held-out images (blue) and on samples (green). If the two are "
        "far apart, D separates them easily, and its gradient gives G little information.\n"
        "= p_g = p_data  ⇒  D(x) = D(G(z)) = ½ for the [[optimal discriminator]]\n"
        "Show the nearest training images: if samples were copies, G would have memorised. Move "
        "over the square: between two values of z the images change gradually.",
        "每张图像都是固定的 z 对应的 G(z)，可以观察同一张图像如何变化。最初几百轮所有图像几乎"
        "相同，之后逐渐出现笔画和数字。若把类别输入两个网络，则每列为一个类别。\n"
        "直方图表示 D 在留出图像（蓝）与生成样本（绿）上的输出。两者相距很远时，D 很容易区分，"
        "它的梯度几乎不能告诉 G 数据在哪里。\n"
        "= 对[[最优判别器]]：p_g = p_data  ⇒  D(x) = D(G(z)) = ½\n"
        "可以显示最近邻训练图像：若样本与之雷同，说明 G 只是记住了训练数据。在方框内移动鼠标："
        "z 连续变化时，图像也随之渐变。",
    ),
}


def plain_text(words: str) -> str:
    r"""A text without the marks of glossary terms and formulas, for pages that show neither.

    >>> plain_text("The [[modes|mode]] of [[G]].\n= x = 1")
    'The modes of G.\nx = 1'
    """
    words = re.sub(r"\[\[([^]|]+)(\|[^]]+)?\]\]", r"\1", words)
    return re.sub(r"(?m)^= ", "", words)
