"""Chinese for whole texts of ``advnets paper reproduce``, which `chinese.in_both` reads.

The records of its parts hold English only. The page translates them when it is written, so that
records that were written before are shown in both languages, too. Texts with numbers and names are
in `chinese_findings`.
"""

from collections.abc import Mapping

__all__ = ["WORDS"]

WORDS: Mapping[str, str] = {
    # --- Titles of parts ---
    "Related work": "相关工作",
    "Figure 1: training in one dimension": "图 1：一维数据上的训练",
    "G's two objectives": "G 的两个目标函数",
    "k updates of D for each update of G": "G 每更新一步，D 更新 k 步",
    "Training G alone first": "先单独训练 G",
    "Theory: the optimum": "理论：全局最优",
    "Theory: convergence": "理论：收敛性",
    "Table 1: Parzen log-likelihood": "表 1：Parzen 对数似然",
    "Reliability of the Parzen score": "Parzen 得分的可靠性",
    "Figure 2a: MNIST": "图 2a：MNIST",
    "Figure 2b: TFD": "图 2b：TFD",
    "Figure 2c: CIFAR-10, fully connected": "图 2c：CIFAR-10，全连接网络",
    "Figure 2d: CIFAR-10, convolutional": "图 2d：CIFAR-10，卷积网络",
    "Figure 3: interpolation in z": "图 3：z 空间中的插值",
    "Table 2: difficulties of each kind of model": "表 2：各类模型的困难",
    "Mode collapse (the Helvetica scenario)": "模式崩溃，即“Helvetica 情景”",
    "Extension 1: a conditional model p(x | c)": "扩展 1：条件模型 p(x | c)",
    "Extension 2: inference of z": "扩展 2：推断 z",
    "Extension 3: all conditionals p(x_S | x_¬S)": "扩展 3：所有条件分布 p(x_S | x_¬S)",
    "Extension 4: few labels": "扩展 4：少量标签",
    "Extension 5: efficiency": "扩展 5：训练效率",
    # --- What the paper says ---
    "statements without numbers": "只有论述，没有数字",
    "D converges to ½": "D 收敛到 ½",
    "log D gives stronger gradients": "log D 的梯度更大",
    "too many updates of D overfit": "D 更新过多会过拟合",
    "C(G) ≥ −log 4, equal only if p_g = p_data": "C(G) ≥ −log 4，仅当 p_g = p_data 时取等号",
    "p_g converges to p_data": "p_g 收敛到 p_data",
    "adversarial nets 225 ± 2": "对抗网络 225 ± 2",
    "high variance": "方差较大",
    "samples only; no number": "只有样本，没有数字",
    "sampling: no difficulties": "采样：没有困难",
    "G collapses if D is not updated": "若不更新 D，G 会发生模式崩溃",
    "adding c as input to both G and D": "把 c 同时作为 G 与 D 的输入",
    "an auxiliary network predicts z given x": "用一个辅助网络由 x 预测 z",
    "a family of conditional models that share parameters": "一族共享参数的条件模型",
    "features of D could improve classifiers when labels are few": "标签很少时，"
    "D 的特征可以改进分类器",
    "training could be accelerated greatly": "训练可以大大加快",
    # --- Claims: statements and methods ---
    "Optimising D to completion would be computationally prohibitive and, on finite data, "
    "result in overfitting; hence k steps of D for one of G (§3).": "把 D 训练到最优，计算量过大，"
    "在有限的数据上还会过拟合；因此 G 每更新一步，D 更新 k 步（§3）。",
    "Early in learning log(1 − D(G(z))) saturates; log D(G(z)) gives much stronger gradients "
    "(§3).": "训练初期 log(1 − D(G(z))) 会饱和；log D(G(z)) 的梯度大得多（§3）。",
    "mnist-5k, narrow networks, one game (non-saturating); both gradients on the same "
    "minibatch.": "数据为 mnist-5k，网络较窄，一局非饱和目标函数的博弈；"
    "两个梯度在同一个小批量上计算。",
    "G is poor early in learning; does it help to train G first? (a question about §3)": "训练初期 "
    "G 很差；先训练 G 有帮助吗？（由 §3 引出的问题）",
    "mnist-5k, narrow networks; the head start counts as part of the rounds.": "数据为 mnist-5k，"
    "网络较窄；单独训练 G 的轮数计入总轮数。",
    "The Parzen estimate has somewhat high variance and does not perform well in high "
    "dimensional spaces (§5).": "Parzen 估计的方差较大，在高维空间中效果不好（§5）。",
    "p_data = p_g = N(0, I): a perfect model, whose log-likelihood is known exactly.": "p_data = "
    "p_g = N(0, I)：一个完美的模型，其对数似然有精确值。",
    "G must not be trained too much without updating D, or it collapses too many z to the "
    "same x: “the Helvetica scenario” (§6).": "不更新 D 而过多地训练 G，G 会把过多的 z 映射到"
    "相同的 x，即“Helvetica 情景”（§6）。",
    # --- Statements of the theory ---
    "a log y + b log(1 − y) has its maximum on [0, 1] at y = a/(a + b)": "a log y + b log(1 − y) "
    "在 [0, 1] 上的最大值点是 y = a/(a + b)",
    "For fixed G, D* = p_data/(p_data + p_g) maximises V": "G 固定时，D* = p_data/(p_data + p_g) "
    "使 V 最大",
    "D maximises the log-likelihood of P(Y | x): max V = −2 H(Y | x)": "D 最大化 P(Y | x) 的"
    "对数似然：V 的最大值为 −2 H(Y | x)",
    "D need not be defined where p_data and p_g are 0": "在 p_data 与 p_g 都为 0 的地方，"
    "D 不必有定义",
    "At p_g = p_data, C(G) = −log 4 and D* = ½": "p_g = p_data 时，C(G) = −log 4，D* = ½",
    "This minimum is unique: C(G) ≥ −log 4 + (total variation)²": "这个最小值点是唯一的：C(G) ≥ "
    "−log 4 +（全变差距离）²",
    "JSD is symmetric, at least 0 and at most log 2": "JSD 是对称的，不小于 0，不大于 log 2",
    "For disjoint supports JSD = log 2 and KL = ∞": "支撑集不相交时，JSD = log 2，KL = ∞",
    "JSD is continuous at probabilities of 0: adding 1e-12 changes it little": "JSD 在概率为 0 处"
    "连续：加上 1e-12 几乎不改变它",
    "For fixed D, V is linear in p_g": "D 固定时，V 关于 p_g 是线性的",
    "C = sup_D V is convex in p_g": "C 是 V 关于 D 的上确界，关于 p_g 是凸的",
    "V(D*, ·) is a subderivative of C: it equals C at p_g and is nowhere above": "V(D*, ·) 是 C 的"
    "次导数：在 p_g 处与 C 相等，在别处都不大于 C",
    "The derivative of C in p_g is log(1 − D*)": "C 关于 p_g 的导数是 log(1 − D*)",
    "p_g ← p_g (1 − D*)^(−η)/Z decreases C; C + log 4 ≤ KL(p_data ‖ p_0)/ηt": "p_g ← "
    "p_g (1 − D*)^(−η)/Z 使 C 减小；C + log 4 ≤ KL(p_data ‖ p_0)/ηt",
    "With η = 1 the new p_g is the mean of p_g and p_data": "η = 1 时，新的 p_g 是 p_g 与 p_data 的"
    "平均",
    "The three forms of C(G) agree for densities on the line": "对于直线上的密度，C(G) 的三种形式"
    "相等",
    "The three forms of C(G) agree for densities in the plane": "对于平面上的密度，C(G) 的三种形式"
    "相等",
    "KL of two Gaussians by quadrature equals its closed form": "两个高斯分布的 KL 散度，"
    "数值积分与解析式相等",
    "lim σ→0 ∇ₓ E f(x + ε) = ∇ₓ f(x): the error at σ = 0.001": "σ → 0 时 ∇ₓ E f(x + ε) 趋于 "
    "∇ₓ f(x)：σ = 0.001 时的误差",
    "That error is quadratic in σ: at 0.001 a hundredth of that at 0.01, within 10 %": "该误差与 σ "
    "的平方成正比：0.001 处是 0.01 处的百分之一，相差不超过 10%",
    # --- Headings of tables ---
    "statement": "命题",
    "largest error": "最大误差",
    "holds": "成立",
    "model": "模型",
    "data": "数据",
    "measure": "指标",
    "ours": "本项目",
    "published": "已发表结果",
    "ours, nats": "本项目，奈特",
    "nats": "奈特",
    "samples": "样本",
    "discrete units": "离散单元",
    "gradient before the hidden units": "隐藏单元之前的梯度",
    "after them": "隐藏单元之后的梯度",
    "noise, σ from the data": "噪声与数据的距离，以 σ 为单位",
    "error": "误差",
    "in theory": "理论值",
    "objective of the code": "编码的目标函数",
    "variance lost": "损失的方差",
    "ρ² between its units": "两个单元间的 ρ²",
    "updates of D": "D 的更新步数",
    "updates of G": "G 的更新步数",
    "V, training": "V（训练图像）",
    "V, held out": "V（留出图像）",
    "gap": "两者之差",
    "Parzen, nats": "Parzen，奈特",
    "round": "轮",
    "rounds": "轮数",
    "seconds": "秒数",
    "minimax": "极小极大",
    "non-saturating": "非饱和",
    "ratio": "比值",
    "head start": "单独训练 G 的轮数",
    "digits, both learn": "数字种类（都训练）",
    "digits, D stands still": "数字种类（D 冻结）",
    "variance, both learn": "方差比（都训练）",
    "variance, D stands still": "方差比（D 冻结）",
    "dimensions": "维数",
    "truth, nats": "真值，奈特",
    "estimate": "估计值",
    "spread": "标准差",
    "samples per second": "每秒样本数",
    "steps per sample": "每个样本的步数",
    "successive samples of one class": "同一类别的连续样本数",
    "nats, ± over seeds": "奈特，± 为种子间的标准差",
    # --- Cells of tables ---
    "adversarial nets": "对抗网络",
    "none": "无",
    "hidden": "隐藏单元",
    "visible": "可见单元",
    "the task alone": "只有任务",
    "predictability alone": "只有可预测性",
    "both": "两者",
    "raw G": "原始 G",
    "averaged G": "权重滑动平均后的 G",
    "yes": "是",
    "no": "否",
    "not set": "未设置",
    # --- Table 2 ---
    "deep directed": "深度有向图模型",
    "deep undirected": "深度无向图模型",
    "generative autoencoders": "生成式自编码器",
    "adversarial": "对抗模型",
    "training": "训练",
    "inference": "推断",
    "sampling": "采样",
    "design": "模型设计",
    "inference needed": "训练中需要推断",
    "inference and MCMC for the gradient of the partition function": "需要推断；"
    "配分函数的梯度需要 MCMC",
    "trade-off between mixing and reconstruction": "需要在混合与重构之间取舍",
    "synchronising D with G": "使 D 与 G 同步",
    "learned approximate": "学到的近似推断",
    "variational": "变分推断",
    "no difficulties": "没有困难",
    "needs a Markov chain": "需要马尔可夫链",
    "intractable, approximated by AIS": "难以计算，可用 AIS 近似",
    "Parzen only": "只能用 Parzen 窗估计",
    "nearly all models hard": "几乎所有模型都很难设计",
    "careful design for several properties": "需要仔细设计，以满足多个性质",
    "any differentiable function in theory": "理论上可用任何可微函数",
    "any differentiable function": "可用任何可微函数",
    "Times are for the processor that made the samples. Successive samples of one class "
    "show how a chain mixes: 1.1 if they are independent. ± over seeds shows how stable "
    "the training is. The difficulty that the paper names for adversarial nets, "
    "synchronising D with G, is the part “helvetica” below.": "速度与生成样本所用的处理器有关。"
    "同一类别的连续样本数表示马尔可夫链的混合情况：样本相互独立时为 1.1。种子间的标准差表示"
    "训练是否稳定。论文指出的对抗网络的困难，即使 D 与 G 同步，见下文的“模式崩溃”。",
    # --- §7 ---
    "Published by Mirza & Osindero (2014) on MNIST: 132 ± 1.8 nats.": "Mirza 与 Osindero（2014）在 "
    "MNIST 上发表的结果：132 ± 1.8 奈特。",
    "Published on MNIST (Donahue et al. 2017): BiGAN 0.62, latent regressor 97.44 %.": "在 MNIST 上"
    "已发表的结果（Donahue 等，2017）：BiGAN 0.62，隐变量回归网络 97.44%。",
    "Each row of the picture: a test image, its known part, five completions.": "图中每行："
    "一张测试图像、它的已知部分、五个补全结果。",
    "The picture shows samples of this G: feature matching classifies well and draws "
    "badly. Published by Salimans et al. (2016) on MNIST, 300 epochs: 0.93 ± 0.065 %.": "图中是"
    "这个 G 的样本：用特征匹配训练，分类效果好，样本质量差。"
    "Salimans 等（2016）在 MNIST 上训练 300 个 epoch 的已发表结果：0.93 ± 0.065%。",
    "alignment": "类别一致率",
    "alignment, classes permuted": "类别一致率（类别打乱后）",
    "accuracy on real images": "真实图像上的准确率",
    "variance within classes": "类内方差",
    "1-nearest-neighbour accuracy, %": "最近邻分类的准确率，%",
    "the same on pixels, %": "同上，用像素，%",
    "the same on E's last hidden layer, %": "同上，用 E 的最后一个隐藏层，%",
    "‖x − G(E(x′))‖, another image": "‖x − G(E(x′))‖，另一张图像",
    "ratio of both": "两者之比",
    "nearest training image": "最近邻训练图像",
    "right class": "类别正确的比例",
    "diversity": "多样性",
    "game with masks": "带掩码的博弈",
    "optimisation of z": "优化 z",
    "feature matching": "特征匹配",
    "without unlabelled images": "不用无标签图像",
    "as it is": "原样",
    "protocol paper": "论文的训练流程",
    "D at half the rate": "D 的学习率减半",
    "D at twice the rate": "D 的学习率加倍",
    "R1 in place of dropout": "用 R1 正则项代替随机失活",
    "R1 and R2 in place of dropout": "用 R1 与 R2 正则项代替随机失活",
    "rules of fast": "预设 fast 的训练规则",
    "z Gaussian": "z 服从高斯分布",
    "z on a sphere": "z 在球面上",
    # --- Why a preset is not a published experiment ---
    "The published game with narrower networks, for two minutes on two cores.": "已发表的博弈，"
    "网络较窄，在双核 CPU 上训练两分钟。",
    "The published MNIST networks trained in five minutes. The R1 penalty in place of "
    "dropout allows four times the published learning rate without momentum, held until round "
    "8,000 and then reduced.": "已发表的 MNIST 网络，训练五分钟。用 R1 正则项代替随机失活，"
    "学习率可以是已发表的四倍，不用动量；第 8,000 轮之后学习率逐渐减小。",
    "Conditional adversarial nets as published on MNIST (Mirza & Osindero 2014): the class "
    "is an input of both networks. The paper gives no initial weights, no dropout of the "
    "images and no length; these are those of `mnist`.": "在 MNIST 上已发表的条件对抗网络"
    "（Mirza 与 Osindero，2014）：类别是两个网络的输入。"
    "该论文没有给出初始权重、图像的随机失活和训练长度，这里与预设 mnist 相同。",
    "`fast` with classes: G is given the class with z, and D is a projection discriminator "
    "(Miyato & Koyama 2018), with R1 of .1. --D.no-projection joins the class with x instead.": ""
    "预设 fast 加上类别：G 的输入是 z 和类别，D 是投影判别器（Miyato 与 Koyama，2018），R1 为 0.1。"
    "选项 --D.no-projection 改为把类别与 x 一起输入。",
    "`fast` with random masks: G(z, x·m, m) fills in the hidden pixels of any mask m, as "
    "§7 proposes (extension 3). With lr .4 the game diverged within 700 rounds.": "预设 fast "
    "加上随机掩码：对任何掩码 m，G(z, x·m, m) 补全被遮挡的像素，如 §7 所提议（扩展 3）。"
    "学习率为 0.4 时，训练在 700 轮之内发散。",
    "TFD's stage 1 at a tenth of the width: faces in a quarter of an hour.": "TFD 的第一阶段，"
    "网络宽度为十分之一：一刻钟得到人脸。",
    "TFD's stage 2 on top of a run of tfd-small (--onto), with the same training rules.": "TFD 的"
    "第二阶段，在预设 tfd-small 的一次训练之上进行（选项 --onto），训练规则相同。",
    "CIFAR-10's fully connected networks at a tenth of the width, for a quarter of an "
    "hour. With the published initial weights of G's output, first images are about 13 times "
    "as bright as the data; here they are a tenth of what this width would need.": "CIFAR-10 的"
    "全连接网络，宽度为十分之一，训练一刻钟。若 G 的输出层采用已发表的初始权重，最初的图像的亮度"
    "约为数据的 13 倍；这里的初始权重是这一宽度所需的十分之一。",
    "CIFAR-10's convolutional networks with a fifth of G's units and a quarter of D's "
    "maps, for a quarter of an hour. Batch normalisation makes samples depend on z; the "
    "bilinear start and the slow output layer reduce the checkerboard pattern.": "CIFAR-10 的"
    "卷积网络，G 的单元数为五分之一，D 的特征图数为四分之一，训练一刻钟。批量归一化使样本随 z "
    "变化；双线性插值的初始权重和学习较慢的输出层可以减轻棋盘格图案。",
    "A folder of your own images, of any size and shape: small convolutional networks with "
    "batch normalisation in G and none in D, penalties R1 and R2 by finite differences, and "
    "DiffAugment if there are fewer than 4,000 images (docs/your-own-images.md).": "用自己的图像"
    "训练，尺寸和形状不限：小型卷积网络，G 有批量归一化而 D 没有；R1 与 R2 正则项用有限差分计算；"
    "图像少于 4,000 张时使用 DiffAugment（docs/your-own-images.zh-CN.md）。",
    "Digits in a minute on two cores: narrower networks by the rules of preset fast, with "
    "a shorter schedule. quickstart-2014 plays the published game.": "在双核 CPU 上一分钟得到手写"
    "数字：按预设 fast 的训练规则训练较窄的网络，训练较短。已发表的博弈见预设 quickstart-2014。",
    "The joint game of §7 on small images: it also trains an encoder E (BiGAN, Donahue et al. "
    "2017). A minute on one core; with SGD at the quickstart's rate it diverges.": "在小图像上的"
    "联合博弈（§7）：编码器 E 也参加（BiGAN，Donahue 等，2017）。单核一分钟；"
    "若用 SGD 和预设 quickstart 的学习率，训练会发散。",
    # --- Caveats after a score ---
    "; not the published experiment": "；不是已发表的实验",
    "; not comparable with the published number": "；不能与已发表的数字比较",
    "; not the published experiment; not comparable with the published number": "；不是已发表的"
    "实验，不能与已发表的数字比较",
    ", at the edge of the grid": "，位于网格的边界",
}
"""Whole texts, also the headings and cells of tables."""
