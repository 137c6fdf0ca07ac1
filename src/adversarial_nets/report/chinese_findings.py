"""Chinese for texts of ``advnets paper reproduce`` with numbers or names; see `chinese.in_both`."""

__all__ = ["PATTERNS"]

_N = r"([\d,]+)"
_SE = r"[\d,]+\.\d"
_G = "((?:raw|averaged) G)"

PATTERNS: tuple[tuple[str, str], ...] = (
    # --- Parts that were not run ---
    (r"not run; run it with: (.+)", "未运行。运行命令：{0}"),
    (
        r"not run: its picture (.+) is missing; run it with: (.+)",
        "未运行：缺少图片 {0}。运行命令：{1}",
    ),
    (r"not run: ((?s:.+))", "未运行：{0}"),
    (
        r"The quick profile trains on the included digits only\. Run this part with: (.+)",
        "快速档（quick）只用自带的手写数字训练。运行这一部分的命令：{0}",
    ),
    (
        r"No results of the other models are recorded\. Make them with: (.+)",
        "还没有其他模型的结果。得到这些结果的命令：{0}",
    ),
    (
        r"(.+) is not a file that advnets paper table1 wrote \((.+)\)\. Make one with: (.+)",
        "{0} 不是表 1 的命令写出的文件（{1}）。重新生成的命令：{2}",
    ),
    (r"(.+) has no rows yet\. Make them with: (.+)", "{0} 中还没有结果。得到结果的命令：{1}"),
    (
        r"(The Toronto Face Database was not found\..+?) (The TFD stand-in was not found\..+)",
        "{0}{1}",
    ),
    (
        r"The Toronto Face Database was not found\. It is licensed for research by its authors at "
        r"the University of Toronto and cannot be downloaded\. If you have a licensed copy, put it "
        r"at (\S+) or (\S+)\.",
        "没有找到 Toronto Face Database（TFD）。该数据集由多伦多大学的作者授权用于研究，不能下载。"
        "如果有获得授权的副本，请放在 {0} 或 {1}。",
    ),
    (
        r"The TFD stand-in was not found\. It is FER-2013's ([\d,]+) faces in TFD's file layout\. "
        r"Put that file at (\S+) or (\S+)\.",
        "没有找到 TFD 的替代数据：FER-2013 的 {0} 张人脸，文件格式与 TFD 相同。"
        "请把该文件放在 {1} 或 {2}。",
    ),
    # --- Numbers ---
    (r"([\d.]+) ± ([\d.]+) nats", "{0} ± {1} 奈特"),
    (r"(-?[\d.]+) \(no standard error from one image\)", "{0}（单张图像没有标准误）"),
    (r"(\d\.\d+) \(([\w-]+)\)", "{0}（{1}）"),
    (r"(\S+ ± \S+), (\d+) seeds", "{0}，{1} 个种子"),
    (rf"round {_N}", "第 {0} 轮"),
    # --- §2 to §4 ---
    (
        r"G gets no gradient if the visible units are discrete; noise (\S+) σ from the data "
        r"multiplies the error of noise-contrastive estimation by (\S+); minimising predictability "
        r"alone loses (\S+) of the variance; a small adversarial step leaves a classifier with "
        r"(\S+) accuracy",
        "可见单元离散时，G 得不到梯度；噪声与数据相距 {0} σ 时，噪声对比估计的误差增大到 {1} 倍；"
        "只最小化可预测性，会损失 {2} 的方差；一步很小的对抗扰动使分类器的准确率降到 {3}",
    ),
    (
        r"final distance of D from D\* (\S+); JSD\(p_data ‖ p_g\) (\S+) nats; V = (\S+), and "
        r"−log 4 = (\S+)",
        "训练结束时 D 与 D* 的距离为 {0}；JSD(p_data ‖ p_g) 为 {1} 奈特；V = {2}，而 −log 4 = {3}",
    ),
    (r"(\d+) of (\d+) statements hold numerically", "{1} 个命题中有 {0} 个在数值上成立"),
    (
        r"in function space, JSD (\S+) after (\d+) steps, of which (\d+) increased it; in "
        r"parameter space, (\S+)",
        "在函数空间中，{1} 步之后 JSD 为 {0}，其中有 {2} 步使它增大；在参数空间中，JSD 为 {3}",
    ),
    (
        r"∫ p_z log\(1 − D\(G\(z\)\)\) dz = ∫ p_g log\(1 − D\(x\)\) dx",
        "换元：∫ p_z log(1 − D(G(z))) dz = ∫ p_g log(1 − D(x)) dx",
    ),
    # --- Claims about training ---
    (
        r"the gradient of log D is up to (\S+) times as long \(round (\d+), D\(G\(z\)\) (\S+)\)",
        "log D 的梯度最大是另一个目标函数的 {0} 倍（第 {1} 轮，D(G(z)) 为 {2}）",
    ),
    (
        r"V on training images is at most (\S+) above V on held-out images \(k = (\d+)\); with "
        r"equally many updates of D, k = (\d+) has the best Parzen score",
        "训练图像上的 V 最多比留出图像上的高 {0}（k = {1}）；D 的更新步数相同时，k = {2} 的 Parzen "
        "得分最高",
    ),
    (
        rf"mnist-5k, {_N} training images, narrow networks, {_N} updates of D for every k\.",
        "数据为 mnist-5k，{0} 张训练图像，网络较窄，每个 k 下 D 都更新 {1} 步。",
    ),
    (r"nats at round (\d+): (.+ rounds of G alone)", "第 {0} 轮的得分（奈特）：{1}"),
    (r"(\S+ after \d+ rounds of G alone), (\S.+)", "{0}，{1}"),
    (r"(\S+) after (\d+) rounds of G alone", "{0}（先单独训练 G {1} 轮）"),
    (
        rf"for a perfect model in (\d+) dimensions and {_N} samples: (\S+) nats below the true "
        r"value, standard deviation (\S+)",
        "对于 {0} 维的完美模型，用 {1} 个样本：比真值低 {2} 奈特，标准差为 {3}",
    ),
    (
        rf"digits generated at round {_N}: (\d+) with both networks trained, (\d+) with D frozen "
        rf"since round {_N}",
        "第 {0} 轮时生成的数字种类：两个网络都训练时为 {1}，D 从第 {3} 轮起冻结时为 {2}",
    ),
    (
        rf"mnist-5k, narrow networks: both networks for {_N} rounds, then {_N} more rounds with D "
        rf"frozen, or with both\. A digit is hit if it has at least a tenth of the expected share "
        rf"of {_N} samples, according to a classifier whose accuracy on test images is (\S+%)\.",
        "数据为 mnist-5k，网络较窄：先训练两个网络 {0} 轮，再冻结 D 训练 {1} 轮，或两个网络都继续"
        "训练。由一个分类器判断 {2} 个样本各是哪个数字，它在测试图像上的准确率为 {3}；"
        "一个数字的样本数达到应有份额的十分之一，就算生成了这个数字。",
    ),
    # --- Runs and their scores ---
    (
        rf"(.+ \(.+\)), {_G} at round {_N}: (.+? nats.* samples.*?\))((?:; not .+)?)",
        "{0}，第 {2} 轮的{1}：{3}{4}",
    ),
    (
        rf"(\d+) straight lines in z; (.+), {_G} at round {_N}",
        "z 空间中的 {0} 条直线；{1}，第 {3} 轮的{2}",
    ),
    (r"(.+) \((preset \S+)\)", "{0}（{1}）"),
    (r"(.+) \(custom, from (\S+)\)", "{0}（自定义，基于 {1}）"),
    (
        rf"(-?[\d.]+) ± ({_SE}) nats \(σ = (\S+) of grid (\S+?)(, at the edge of the grid)?; {_N} "
        rf"samples(; over \d+ folds)?\)",
        "{0} ± {1} 奈特（σ = {2}，网格 {3}{4}；{5} 个样本{6}）",
    ),
    (
        r"(-?[\d.]+) nats \(no standard error from one image\) \(σ = (\S+) of grid (\S+?)"
        rf"(, at the edge of the grid)?; {_N} samples\)",
        "{0} 奈特（单张图像没有标准误；σ = {1}，网格 {2}{3}；{4} 个样本）",
    ),
    (r"; over (\d+) folds", "；{0} 折"),
    (rf"{_G}, round {_N}", "{0}，第 {1} 轮"),
    (r"Preset (\S+) is not the published experiment: (.+)", "预设 {0} 不是已发表的实验：{1}"),
    (
        r"Preset (\S+) is not the experiment of this part, which is (\S+)\.",
        "预设 {0} 不是这一部分的实验；这一部分的实验是 {1}。",
    ),
    (
        r"The run is (.+)\. It differs from the preset in: (.+)\.",
        "这次训练的设置是：{0}。与预设的不同之处：{1}。",
    ),
    (
        r"The data set is (.+), so no published score is comparable\.",
        "数据集是 {0}，因此没有可以比较的已发表得分。",
    ),
    # Differences from a preset: "lr 0.1 → 0.2, G of the preset → passed in by a program".
    (r"(.+ → .+), ([\w.]+ \S.*? → .+)", "{0}，{1}"),
    (r"(G|D|G or D|G and D) of the preset → passed in by a program", "{0} 由程序传入，不是预设的"),
    (r"([GD]) (or|and) ([GD])", "{0} 与 {2}"),
    (rf"initial weights (.+) → of (.+), round {_N}", "初始权重取自 {1} 第 {2} 轮"),
    (rf"([\w.]+) after round {_N} (.+) → (.+)", "{0}（第 {1} 轮之后）{2} → {3}"),
    (r"([\w.]+) (.+) → (.+)", "{0} {1} → {2}"),
    # --- Tables 1 and 2 ---
    (r"(\d+) rows; (.+)", "共 {0} 行；{1}"),
    (rf"(.+? -?[\d.]+(?: ± {_SE}| \(no standard error from one image\))), (\S.+)", "{0}；{1}"),
    (rf"(.+) (-?[\d.]+ ± {_SE})", "{0} {1}"),
    (r"(.+) (-?[\d.]+) \(no standard error from one image\)", "{0} {1}（单张图像没有标准误）"),
    (r"The rows are those of (.+)\.", "各行取自 {0}。"),
    (
        rf"([^;]+): {_N} samples per second, steps per sample (\S+)",
        "{0}：每秒 {1} 个样本，每个样本 {2} 步",
    ),
    (r"Adversarial nets \((.+)\)", "对抗网络（{0}）"),
    # --- §7 ---
    (
        r"(\S+) of the samples are of the requested class \(real images: (\S+)\); (\S+) nats",
        "{0} 的样本属于所要求的类别（真实图像：{1}）；{2} 奈特",
    ),
    (
        r"‖x − G\(E\(x\)\)‖ is (\S+) of the distance for another image; (\S+) of test images have "
        r"the class of the nearest in E's features",
        "‖x − G(E(x))‖ 是换成另一张图像时的 {0} 倍；"
        "{1} 的测试图像与 E 的特征空间中的最近邻属于同一类",
    ),
    (
        r"RMSE of the hidden right half (\S+), of the mean image (\S+)",
        "被遮挡的右半部分的 RMSE 为 {0}，平均图像为 {1}",
    ),
    (
        r"test error with (\d+) labels (\S+) %, without unlabelled images (\S+) %",
        "用 {0} 个标签时，测试错误率为 {1}%；不用无标签图像时为 {2}%",
    ),
    (r"fewest rounds to (\S+) nats: (.+), (\d+)", "达到 {0} 奈特所需轮数最少的是：{1}，{2} 轮"),
    (
        r"no variant reaches (\S+) nats in so few rounds",
        "在这么少的轮数内，没有一种设置达到 {0} 奈特",
    ),
    (r"(rounds|seconds) to (\S+) nats", "达到 {1} 奈特所需的{0}"),
    (r"(\d+) dimensions of z", "z 的维数为 {0}"),
    (rf"(.+), {_G}, (game with masks|optimisation of z)", "{0}，{1}，{2}"),
    (r"(.+) \((\d+) of (\d+) seeds reach it\)", "{0}（{2} 个种子中有 {1} 个达到）"),
    (rf"(.+), {_G}", "{0}，{1}"),
    (r"E of custom, from (\S+)", "E（自定义，基于 {0}）"),
    (r"E of (\S+)", "E（{0}）"),
    (r"(feature matching|without unlabelled images), (.+)", "{0}，{1}"),
    (rf"{_N} epochs, (.+)", "{0} 个 epoch，{1}"),
    (rf"{_N} epochs", "{0} 个 epoch"),
    (r"draw (\d+), (seed \d+)", "第 {0} 次抽取，{1}"),
    (r"draw (\d+)", "第 {0} 次抽取"),
    (r"seed (\d+)", "随机种子 {0}"),
    (r"(RMSE|right class|diversity), right hidden", "{0}，遮挡右半部分"),
    (r"(RMSE|right class|diversity), blocks hidden", "{0}，遮挡若干方块"),
    (rf"test error, %, {_N} labels", "测试错误率，%，{0} 个标签"),
)
"""Patterns of whole texts, and their Chinese with the translated groups."""
