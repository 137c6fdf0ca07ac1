"""All texts of the page, in English and in Chinese; the page fills the {placeholders}.

A name begins with the text's group: ``metric …``, ``setting …``, ``error …``.
"""

from collections.abc import Mapping

from adversarial_nets.languages import Language, Text
from adversarial_nets.languages import text as _text
from adversarial_nets.playground.error_texts import ERROR_TEXTS
from adversarial_nets.playground.lesson_texts import LESSON_TEXTS

__all__ = ["WORDS", "Language"]


WORDS: Mapping[str, Text] = {
    **LESSON_TEXTS,
    **ERROR_TEXTS,
    # --- Header, footer, connection ---
    "title": _text("Adversarial nets playground", "生成对抗网络交互演示"),
    "tagline": _text(
        "Watch two networks train against each other. Pause, step, and change the settings.",
        "观看两个网络的对抗训练，可随时暂停、单步运行，也可中途修改设置。",
    ),
    "other language": _text("中文", "English"),
    "theme": _text("Light or dark theme", "切换浅色或深色主题"),
    "skip": _text("Skip to the game", "跳转到主要内容"),
    "boards": _text("Kind of data", "数据类型"),
    "board line": _text("1-D data", "一维数据"),
    "board plane": _text("2-D data", "二维数据"),
    "board images": _text("Digits", "手写数字"),
    "board latent": _text("Trained run", "已训练模型"),
    "connecting": _text("Connecting …", "正在连接……"),
    "disconnected": _text(
        "The connection to the server is lost. Trying again … The game will continue where it was.",
        "与服务器的连接已断开，正在重新连接……连接恢复后，将从断开处继续。",
    ),
    "refused": _text(
        "The server refused the connection. If a tunnel or a proxy leads here, start the "
        "playground again: {command}",
        "服务器拒绝了连接。若页面经由隧道或代理访问，请用以下命令重新启动交互演示：{command}",
    ),
    "not allowed": _text(
        "If this is the address of your own tunnel or proxy, start the playground again: {command}",
        "若这是你自己的隧道或代理的地址，请用以下命令重新启动交互演示：{command}",
    ),
    "keys": _text(
        "Keys: Space plays and pauses, N plays one round, D and G train one network, R resets, "
        "P enlarges everything for a projector, ← and → show earlier and later snapshots.",
        "快捷键：空格键运行或暂停；N 运行一轮；D、G 只训练对应的网络；R 重置；P 切换投影模式；"
        "←、→ 查看较早或较晚的快照。",
    ),
    # --- Playback ---
    "playback": _text("Playback", "运行控制"),
    "play": _text("Play", "运行"),
    "pause": _text("Pause", "暂停"),
    "one round": _text("One round", "运行一轮"),
    "step D": _text("Train D", "只训练 D"),
    "step G": _text("Train G", "只训练 G"),
    "reset": _text("Reset", "重置"),
    "speed": _text("Rounds per frame", "每帧轮数"),
    "history": _text("History", "历史记录"),
    "resume here": _text("Continue from here", "从这里继续"),
    "round": _text("round", "轮数"),
    "at round": _text("Round {round}", "第 {round} 轮"),
    "at round of": _text("Round {round} of {last}", "第 {round} 轮，共 {last} 轮"),
    "replaying": _text("Replaying up to round {goal} …", "正在重放到第 {goal} 轮……"),
    "fps": _text("{fps} frames/s, {rate} rounds/s", "每秒 {fps} 帧，{rate} 轮"),
    "play to": _text("Play to round", "运行到第几轮"),
    "go": _text("Go", "开始"),
    "undo": _text("Undo", "撤销"),
    "dropped": _text(
        "The rounds after round {round} are dropped.", "第 {round} 轮之后的轮次已舍弃。"
    ),
    "no script": _text(
        "This page needs JavaScript. Allow it in the browser's settings, and reload the page. "
        "Without a browser, advnets play DATA plays the same games in a terminal.",
        "本页面需要启用 JavaScript。请在浏览器设置中启用，然后刷新页面。"
        "也可以不用浏览器，在终端中用命令 advnets play DATA 运行同样的博弈。",
    ),
    "game": _text("Game", "博弈"),
    "game A": _text("Game A", "博弈 A"),
    "game B": _text("Game B", "博弈 B"),
    "game prefix": _text("{game}: ", "{game}："),
    "compare": _text("Two games, same seed", "两局并排，随机种子相同"),
    "figure description": _text(
        "{kind}, round {round}. {metrics}", "{kind}，第 {round} 轮。{metrics}"
    ),
    # --- Algorithm 1 ---
    "algorithm": _text("Algorithm 1", "算法 1"),
    "algorithm rounds": _text("for each round:", "每一轮："),
    "algorithm k": _text("repeat k = {k} times:", "重复 k = {k} 次："),
    "algorithm noise": _text("sample {m} noise vectors z", "采样 {m} 个噪声向量 z"),
    "algorithm data": _text("sample {m} examples x from the data", "采样 {m} 个真实样本 x"),
    "algorithm D": _text("update D by gradient ascent on", "更新 D，对下式做梯度上升："),
    "algorithm G": _text("update G by gradient descent on", "更新 G，对下式做梯度下降："),
    "explain start": _text(
        "Training has not started. G maps noise z to samples. D(x) is the probability that x "
        "comes from the data.",
        "训练尚未开始。G 把噪声 z 映射为样本；D(x) 表示 x 来自真实数据的概率。",
    ),
    "explain D": _text(
        "D was updated {k}× with G fixed. On the minibatch of its last update V {minibatch}. "
        "Measured independently of it (see Metrics), V {measured}.",
        "固定 G，将 D 更新了 {k} 次。在最后一次更新所用的小批量上，V {minibatch}；"
        "在与之无关的数据上测得（见“指标”），V {measured}。",
    ),
    "explain G": _text(
        "G was updated once with D fixed. On the minibatch of this update V {minibatch}. "
        "Measured independently of it (see Metrics), V {measured}.",
        "固定 D，将 G 更新了一次。在这次更新所用的小批量上，V {minibatch}；"
        "在与之无关的数据上测得（见“指标”），V {measured}。",
    ),
    "explain opposite": _text(
        " An update for one minibatch does not always help on all data.",
        "可见，对一个小批量有利的更新，对全部数据未必有利。",
    ),
    "change rose": _text("rose from {before} to {after}", "由 {before} 升至 {after}"),
    "change fell": _text("fell from {before} to {after}", "由 {before} 降至 {after}"),
    "change known": _text("is now {after}", "现为 {after}"),
    "change stayed": _text("stayed near {after}", "保持在 {after} 附近"),
    "explain both": _text(
        "Full rounds: D is updated {k}×, then G once. On the latest minibatches, D(x) was {D_x} "
        "and D(G(z)) was {D_G_z} on average.",
        "完整的轮次：每轮先更新 D {k} 次，再更新 G 一次。在最近的小批量上，D(x) 平均为 {D_x}，"
        "D(G(z)) 平均为 {D_G_z}。",
    ),
    # --- Slow motion ---
    "trained start": _text("Trained start", "已训练状态"),
    "projector": _text("Projector", "投影模式"),
    "hover": _text("z = ({z}) → G(z) = ({x})", "z = ({z}) → G(z) = ({x})"),
    "z pad": _text(
        "z space: move here to see G(z) on the board", "z 空间：在此移动，图中标出对应的 G(z)"
    ),
    "morph how": _text(
        "Move over the square: z lies between the noise of the first four samples, and the image "
        "is G(z).",
        "在方框内移动：z 介于前四个样本的噪声之间，右侧图像为对应的 G(z)。",
    ),
    "slow": _text("Slow motion", "慢动作"),
    "graph": _text(
        "Model graph: G turns noise z into G(z); D compares G(z) with data x and gives V.",
        "模型图：G 把噪声 z 变为 G(z)；D 比较 G(z) 与数据 x，得到 V。",
    ),
    "graph legend": _text("dashed: gradient of this update", "虚线：本次更新的梯度"),
    "slow noise D": _text(
        "{m} noise vectors z are sampled, and G turns them into {m} samples. For these D(G(z)) is "
        "{D_G_z} on average.",
        "采样 {m} 个噪声向量 z，G 将其变为 {m} 个生成样本，D(G(z)) 平均为 {D_G_z}。",
    ),
    "slow data": _text(
        "{m} examples x are sampled from the data. For these D(x) is {D_x} on average.",
        "从数据中采样 {m} 个真实样本 x，D(x) 平均为 {D_x}。",
    ),
    "slow D": _text(
        "The gradient of V with respect to D's weights is computed, and D moves along it, {k}× in "
        "this round. On this minibatch V {change}.",
        "计算 V 对 D 的权重的梯度，并沿梯度更新 D（本轮共 {k} 次）。在这个小批量上，V {change}。",
    ),
    "slow noise G": _text(
        "{m} new noise vectors z are sampled for G. D(G(z)) is {D_G_z} on average.",
        "为 G 重新采样 {m} 个噪声向量 z，D(G(z)) 平均为 {D_G_z}。",
    ),
    "slow G": _text(
        "The gradient passes through D, which is fixed, to G's weights, and G moves against it. On "
        "this minibatch {loss} {change}.",
        "梯度穿过固定不变的 D 传到 G 的权重，G 沿负梯度方向更新。在这个小批量上，{loss} {change}。",
    ),
    # --- Metrics ---
    "metrics": _text("Metrics", "指标"),
    "now": _text("now", "当前"),
    "perfect": _text("perfect G", "理想的 G"),
    "perfect question": _text("What is “perfect G”?", "什么是“理想的 G”？"),
    "perfect explained": _text(
        "“Perfect G” is the value for a generator that samples from the data distribution "
        "itself, measured with the same number of samples. Compare G with it, not with 0.",
        "“理想的 G”指直接从数据分布采样的生成器；对应的指标值用同样多的样本算出。"
        "评价 G 时应以该值为基准，而不是以 0 为基准。",
    ),
    "curve": _text("Curves", "曲线"),
    "curve V": _text("V and −log 4 + 2·JSD", "V 与 −log 4 + 2·JSD"),
    "curve V other": _text("V and its maximum over D", "V 与 V 对 D 的最大值"),
    "curve divergences": _text("JSD and KL", "JSD 与 KL"),
    "metric V": _text("V(D, G)", "V(D, G)"),
    "metric C": _text("−log 4 + 2·JSD", "−log 4 + 2·JSD"),
    "metric C least-squares": _text(
        "max V = −¼ + ⅛ Σ (p_data − p_g)² / (p_data + p_g)",
        "V 的最大值 −¼ + ⅛ Σ (p_data − p_g)² / (p_data + p_g)",
    ),
    "metric C hinge": _text("max V = −2 + 2·TV(p_data, p_g)", "V 的最大值 −2 + 2·TV(p_data, p_g)"),
    "metric C relativistic": _text(
        "max V = −log 2 + JSD of pairs (x, G(z)) and (G(z), x)",
        "V 的最大值 −log 2 + 配对 (x, G(z)) 与 (G(z), x) 的 JSD",
    ),
    "metric C from samples": _text("… from {m} samples", "V 的最大值，由 {m} 个样本估计"),
    "metric JSD": _text("JSD(p_data ‖ p_g)", "JSD(p_data ‖ p_g)"),
    "metric KL data g": _text("KL(p_data ‖ p_g)", "KL(p_data ‖ p_g)"),
    "metric KL g data": _text("KL(p_g ‖ p_data)", "KL(p_g ‖ p_data)"),
    "metric KL data g smoothed": _text("KL(p_data ‖ p_g), smoothed", "KL(p_data ‖ p_g)，平滑后"),
    "metric KL g data smoothed": _text("KL(p_g ‖ p_data), smoothed", "KL(p_g ‖ p_data)，平滑后"),
    "metric data without samples": _text(
        "share of p_data in empty cells", "p_data 落在无样本格子中的比例"
    ),
    "metric JSD classes": _text("JSD of classes", "类别分布的 JSD"),
    "metric KL data g classes": _text("KL of classes, data ‖ G", "类别分布的 KL，数据 ‖ G"),
    "metric KL g data classes": _text("KL of classes, G ‖ data", "类别分布的 KL，G ‖ 数据"),
    "metric accuracy": _text("D's accuracy", "D 的准确率"),
    "metric distance": _text("mean |D − D*|", "|D − D*| 的均值"),
    "metric modes hit": _text("modes covered", "覆盖的模式数"),
    "metric near a mode": _text("share of samples near a mode", "模式附近的样本比例"),
    "metric rarest mode": _text(
        "samples at the rarest mode, of those expected", "最稀少模式的样本数占期望的比例"
    ),
    "metric distance from the ring": _text("distance from the ring", "样本到圆环的距离"),
    "metric angles covered": _text("angles covered", "覆盖的角度比例"),
    "metric reconstruction": _text("mean |x − G(E(x))|", "|x − G(E(x))| 的均值"),
    "metric alignment": _text("samples of the requested class", "类别与指定一致的样本比例"),
    "metric spread": _text("variance of samples / data", "样本与数据的方差比"),
    "method line": _text("Exact, on 240 cells of x.", "将 x 轴划分为 240 个格子，精确计算。"),
    "method V least-squares": _text(
        "V is minus D's least-squares loss. D*(x) is the sigmoid of the best output of D, "
        "p_data / (p_data + p_g).",
        "V 是 D 的最小二乘损失的相反数。D*(x) 是 D 的最优输出 p_data / (p_data + p_g) "
        "的 sigmoid 值。",
    ),
    "method V hinge": _text(
        "V is minus D's hinge loss. D*(x) is the sigmoid of the best output of D, "
        "sign(p_data − p_g). TV is the total variation distance.",
        "V 是 D 的合页损失的相反数。D*(x) 是 D 的最优输出 sign(p_data − p_g) 的 sigmoid 值。"
        "TV 是全变差距离。",
    ),
    "method V relativistic": _text(
        "V is minus D's loss on pairs. The best output of D is log(p_data / p_g) plus any "
        "constant; D* has the constant that is nearest to D.",
        "V 是 D 在配对 (x, G(z)) 上的损失的相反数。D 的最优输出是 log(p_data / p_g) 加任意常数；"
        "图中的 D* 取与当前 D 最接近的常数。",
    ),
    "method V wasserstein": _text(
        "V is the mean of D's output on data minus that on samples. The best D under the "
        "1-Lipschitz condition has no closed form, so no D* and no optimum of V are shown.",
        "V 是 D 在真实数据上的输出均值减去在样本上的输出均值。在 1-利普希茨约束下，最优的 D "
        "没有闭式解，因此不显示 D* 和 V 的最优值。",
    ),
    "method points": _text(
        "p_data is itself an estimate: a Gaussian at each of your {points} points.",
        "p_data 本身也是估计：在你的 {points} 个数据点处各放置一个高斯核。",
    ),
    "method plane": _text(
        "Estimated from 2,000 samples in 40 × 40 cells, so that no G reaches 0. Without smoothing, "
        "KL(p_data ‖ p_g) is infinite: {share} % of p_data lies in cells without a sample "
        "({perfect} % for a perfect G). Smoothing adds half a sample to every cell.",
        "用 2,000 个样本在 40 × 40 的网格上估计，因此任何 G 的值都达不到 0。若不平滑，"
        "KL(p_data ‖ p_g) 为无穷大：p_data 有 {share}% 落在没有样本的格子里（理想的 G 为 "
        "{perfect}%）。平滑是指给每个格子加上半个样本。",
    ),
    "method curve": _text(
        "These data have no density: for every G with a density, JSD is log 2 and KL is infinite. "
        "The distance and the angles of 2,000 samples are shown instead.",
        "这些数据没有概率密度：只要 G 的分布有密度，JSD 就恒为 log 2，KL 恒为无穷大。"
        "因此改为给出 2,000 个样本到圆环的距离和覆盖的角度。",
    ),
    "method images": _text(
        "From 200 samples and 200 held-out images. The JSD of the images themselves cannot be "
        "computed.",
        "由 200 个生成样本和 200 张留出图像估计。图像本身的 JSD 无法计算。",
    ),
    "method classes": _text(
        "A sample has the class of its nearest training image. For KL, half a sample is added to "
        "every class.",
        "每个样本的类别取自其最近邻训练图像。计算 KL 时，给每个类别加上半个样本。",
    ),
    # --- Diagnosis ---
    "diagnosis": _text("Diagnosis", "诊断"),
    "problem none": _text("No problem detected.", "未发现问题。"),
    "problem early": _text(
        "Training has only just started: all samples still look alike. Different digits appear "
        "after some hundred rounds.",
        "训练刚刚开始，所有样本看起来几乎相同；几百轮后才会出现不同的数字。",
    ),
    "problem D too strong": _text(
        "D is too strong: it separates samples from data with over 99 % certainty, so its gradient "
        "gives G little information about the data. Try: a smaller k or a smaller learning rate "
        "for D.",
        "D 过强：区分样本与数据的置信度超过 99%，它的梯度几乎不能告诉 G 数据在哪里。"
        "可尝试：减小 k 或减小 D 的学习率。",
    ),
    "problem saturated": _text(
        "G's objective is saturated: D rejects the samples with certainty, where log(1 − D(G(z))) "
        "is flat and has no gradient. Try: the non-saturating objective.",
        "G 的目标函数已饱和：D 对生成样本的输出接近 0，此处 log(1 − D(G(z))) 平坦，没有梯度。"
        "可尝试：改用非饱和目标函数。",
    ),
    "problem collapsed": _text(
        "Mode collapse: G maps many values of z to the same x, and parts of the data are never "
        "generated. Try: more steps of D (k), a larger learning rate for D, or a smaller one "
        "for G.",
        "模式崩溃：G 把许多不同的 z 映射到同一个 x，部分数据始终没有被生成。可尝试："
        "增大 D 的更新步数 k、增大 D 的学习率，或减小 G 的学习率。",
    ),
    "problem no diversity": _text(
        "G has not started to learn: all samples still look alike. Try: another learning rate.",
        "G 的训练尚无进展：所有样本看起来几乎相同。可尝试：更换学习率。",
    ),
    "problem oscillating": _text(
        "Training oscillates: p_g moves back and forth, and D follows it. Try: a smaller or "
        "decaying learning rate, or a larger learning rate for D.",
        "训练出现振荡：p_g 来回移动，D 也随之变化。可尝试：减小学习率、让学习率逐渐衰减，"
        "或增大 D 的学习率。",
    ),
    "problem diverging": _text(
        "Training has diverged: V or the samples are far out of range, and it will not recover. "
        "Try: Reset with a smaller learning rate.",
        "训练已发散：V 或生成样本已远远超出正常范围，无法恢复。可尝试：减小学习率，然后重置。",
    ),
    "problem stuck": _text(
        "Training makes no progress: D stays strong, and the JSD is large and no longer decreases. "
        "Try: a smaller k, a smaller learning rate for D, or a larger one for G.",
        "训练没有进展：D 一直很强，JSD 仍然很大，且不再减小。可尝试：减小 k、减小 D 的学习率，"
        "或增大 G 的学习率。",
    ),
    # --- Data ---
    "data": _text("Data", "数据"),
    "data gaussian": _text("Gaussian", "高斯分布"),
    "data mixture": _text("Two Gaussians", "双高斯混合"),
    "data uniform": _text("Uniform", "均匀分布"),
    "data ring": _text("Ring", "圆环"),
    "data zero-width-ring": _text("Ring of zero width", "零宽度圆环"),
    "data ring-of-gaussians": _text("Ring of Gaussians", "环形高斯混合"),
    "data grid": _text("Grid of Gaussians", "网格高斯混合"),
    "data spiral": _text("Spiral", "螺旋线"),
    "data moons": _text("Two moons", "双月形"),
    "data segment": _text("Line", "线段"),
    "data three-gaussians": _text("Three Gaussians", "三高斯混合"),
    "data mnist-5k": _text("MNIST, 5,000 digits", "MNIST，5,000 张手写数字"),
    "data command line": _text("From the command line", "命令行指定的数据"),
    "data points": _text("Your points", "你的数据点"),
    "draw": _text("Draw", "手绘"),
    "draw how": _text(
        "Draw with the mouse or a finger. The lines become the data.",
        "用鼠标或手指绘制线条，所绘线条即为数据。",
    ),
    "draw use": _text("Use the drawing", "使用手绘数据"),
    "draw clear": _text("Clear", "清除"),
    "cancel": _text("Cancel", "取消"),
    "upload": _text("CSV file", "CSV 文件"),
    "paste": _text("Enter points", "输入数据点"),
    "paste how": _text(
        "One point per line: one number for 1-D data, two numbers with a comma for 2-D data. "
        "Up to 2,000 points, rounded to 1/65,535 of their range.",
        "每行一个点：一维数据写一个数，二维数据写两个数并用逗号隔开。最多 2,000 个点，"
        "数值舍入到取值范围的 1/65,535。",
    ),
    "paste use": _text("Use these points", "使用这些数据点"),
    # --- Settings ---
    "settings": _text("Settings", "设置"),
    "setting which": _text("Settings of", "设置对象"),
    "setting live": _text("Take effect immediately", "立即生效"),
    "setting restart": _text("Start a new game", "修改后重新开始"),
    "setting k": _text("k, steps of D per round", "k（每轮 D 的更新步数）"),
    "setting objective": _text("G's objective", "G 的目标函数"),
    "setting optimiser": _text("G's optimiser", "G 的优化器"),
    "setting optimiser_D": _text("D's optimiser", "D 的优化器"),
    "setting g_steps": _text("steps of G per round", "每轮 G 的更新步数"),
    "setting lr": _text("G's learning rate", "G 的学习率"),
    "setting d_lr_multiplier": _text("D's learning rate", "D 的学习率"),
    "setting r1": _text("R1 penalty γ", "R1 正则项 γ"),
    "setting r2": _text("R2 penalty γ", "R2 正则项 γ"),
    "setting joint": _text("encoder E (joint game)", "编码器 E（联合博弈）"),
    "setting ema_decay": _text("averaging of G, decay", "G 的滑动平均，衰减率"),
    "setting condition": _text("classes", "类别"),
    "setting batch": _text("batch size m", "批量大小 m"),
    "setting D.keep_prob_hidden": _text("dropout rate in D", "D 的随机失活率"),
    "setting G.hidden": _text("G: layers × units", "G：层数 × 单元数"),
    "setting D.units": _text("D: layers × units", "D：层数 × 单元数"),
    "setting G.activations": _text("G's activation", "G 的激活函数"),
    "setting D.activation": _text("D's activation", "D 的激活函数"),
    "setting prior": _text("prior p_z", "先验分布 p_z"),
    "setting z_size": _text("dimension of z", "z 的维数"),
    "setting seed": _text("random seed", "随机种子"),
    "layers": _text("layers", "层数"),
    "units": _text("units", "单元数"),
    "choice minimax": _text("minimax", "极小极大"),
    "choice non-saturating": _text("non-saturating", "非饱和"),
    "choice least-squares": _text("least squares", "最小二乘"),
    "choice hinge": _text("hinge", "合页"),
    "choice wasserstein": _text("Wasserstein", "Wasserstein"),
    "choice relativistic": _text("relativistic", "相对式配对"),
    "choice sgd": _text("SGD", "SGD"),
    "choice adam": _text("Adam", "Adam"),
    "choice joint false": _text("no", "无"),
    "choice joint true": _text("yes", "有"),
    "choice condition None": _text("not used", "不使用"),
    "choice condition classes": _text("input of both", "输入两个网络"),
    "choice ema_decay 0": _text("none", "无"),
    "choice None": _text("same as G", "与 G 相同"),
    "choice relu": _text("ReLU", "ReLU"),
    "choice sigmoid": _text("sigmoid", "Sigmoid"),
    "choice maxout": _text("maxout", "Maxout"),
    "choice uniform": _text("uniform", "均匀分布"),
    "choice gaussian": _text("Gaussian", "高斯分布"),
    "choice spherical": _text("spherical", "球面均匀分布"),
    # --- Boards ---
    "legend data": _text("data", "数据"),
    "legend samples": _text("samples G(z)", "样本 G(z)"),
    "legend grid": _text("grid in z, mapped by G", "经 G 映射的 z 网格"),
    "legend gradient": _text("−∇ₓ of G's objective", "G 的目标函数对 x 的负梯度"),
    "legend D": _text("D(x): green 0, blue 1", "D(x)：绿色为 0，蓝色为 1"),
    "legend perfect": _text("value for a perfect G", "理想的 G 对应的值"),
    "D output": _text("D's output: probability that x is data", "D 的输出：x 来自真实数据的概率"),
    "samples": _text("Samples (the noise is always the same)", "样本（噪声固定）"),
    "class": _text("class", "类别"),
    "class all": _text("all, one after another", "全部，依次排列"),
    "nearest": _text("Show the nearest training images", "显示最近邻训练图像"),
    "nearest row": _text("Training images nearest to the first row", "第一行样本的最近邻训练图像"),
    # --- The latent space of a trained run ---
    "latent how": _text(
        "Click two images. The first slider moves along the straight line between them in z, the "
        "other sliders move z in other directions.",
        "依次点选两张图像。第一个滑块在 z 空间中沿两者之间的直线移动，"
        "其余滑块使 z 沿其他方向移动。",
    ),
    "latent run": _text(
        "The generator of the run {run} after round {round}.",
        "训练文件夹 {run} 中第 {round} 轮的生成器。",
    ),
    "latent from": _text("from image", "起点图像"),
    "latent to": _text("to image", "终点图像"),
    "mark from": _text("from", "起"),
    "mark to": _text("to", "终"),
    "latent t": _text("position on the line", "直线上的位置"),
    "latent direction": _text("direction {n}", "方向 {n}"),
    "latent here": _text("G(z) at this position", "当前位置的 G(z)"),
    "latent line": _text("Interpolation between the two images", "两张图像之间的插值"),
    "latent images": _text("Images to choose from", "可选图像"),
    # --- Lessons ---
    "meaning": _text("{term}: {meaning}", "{term}：{meaning}"),
    "lessons": _text("Lessons", "课程"),
    "lesson none": _text("Choose a lesson …", "选择课程……"),
    # --- Sharing ---
    "share": _text("Share", "分享"),
    "share how": _text(
        "The address of this page stores the whole game. The command and the program reproduce it "
        "bit for bit:",
        "本页网址记录了整局博弈；复制出的命令或程序可逐比特复现同一局：",
    ),
    "copy link": _text("Copy link", "复制链接"),
    "copy command": _text("Copy as command", "复制为命令"),
    "copy program": _text("Copy as Python", "复制为 Python 程序"),
    "copied": _text("Copied.", "已复制。"),
    "weights": _text("Fingerprint of the weights", "权重指纹"),
    "weights how": _text(
        "The copied command prints the same fingerprint if every bit of the weights is the same.",
        "若权重逐比特一致，复制出的命令会输出相同的指纹。",
    ),
    "export": _text("Save as", "另存为"),
    "working": _text("Working …", "正在处理……"),
}
