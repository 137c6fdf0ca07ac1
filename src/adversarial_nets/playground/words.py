"""All texts of the page, in English and in Chinese; the page fills the {placeholders}.

A name begins with the text's group: ``metric …``, ``setting …``, ``error …``.
"""

from collections.abc import Mapping
from typing import Literal

__all__ = ["WORDS", "Language"]

Language = Literal["en", "zh"]

Text = Mapping[Language, str]


def _text(en: str, zh: str) -> Text:
    return {"en": en, "zh": zh}


WORDS: Mapping[str, Text] = {
    # --- Header, footer, connection ---
    "title": _text("Adversarial nets playground", "生成对抗网络游乐场"),
    "tagline": _text(
        "Watch two networks train against each other. Pause, step, and change the settings.",
        "观看两个网络的对抗训练：可以暂停、单步，也可以中途修改设置。",
    ),
    "other language": _text("中文", "English"),
    "theme": _text("Light or dark theme", "切换浅色或深色主题"),
    "skip": _text("Skip to the game", "跳到主要内容"),
    "boards": _text("Kind of data", "数据类型"),
    "board line": _text("1-D data", "一维数据"),
    "board plane": _text("2-D data", "二维数据"),
    "board images": _text("Digits", "手写数字"),
    "board latent": _text("Trained run", "已训练模型"),
    "connecting": _text("Connecting …", "正在连接……"),
    "disconnected": _text(
        "The connection is closed. Reload the page to continue: its address stores the game.",
        "连接已断开。刷新页面即可继续：网址记录了整局博弈。",
    ),
    "keys": _text(
        "Keys: Space plays and pauses, N plays one round, D and G train one network, R resets, "
        "← and → show earlier and later snapshots.",
        "快捷键：空格键运行或暂停，N 运行一轮，D、G 只训练一个网络，R 重置，← → 前后回看。",
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
    "round": _text("round", "轮"),
    "at round": _text("Round {round}", "第 {round} 轮"),
    "at round of": _text("Round {round} of {last}", "第 {round} 轮，共 {last} 轮"),
    "replaying": _text("Replaying up to round {goal} …", "正在重放至第 {goal} 轮……"),
    "fps": _text("{fps} frames/s", "每秒 {fps} 帧"),
    "game": _text("Game", "博弈"),
    "game A": _text("Game A", "博弈 A"),
    "game B": _text("Game B", "博弈 B"),
    "game prefix": _text("{game}: ", "{game}："),
    "compare": _text("Two games, same seed", "两局并排，种子相同"),
    "figure description": _text(
        "{kind}, round {round}. {metrics}", "{kind}，第 {round} 轮。{metrics}"
    ),
    # --- Algorithm 1 ---
    "algorithm": _text("Algorithm 1", "算法 1"),
    "algorithm rounds": _text("for each round:", "对每一轮："),
    "algorithm k": _text("repeat k = {k} times:", "重复 k = {k} 次："),
    "algorithm noise": _text("sample {m} noise vectors z", "采样 {m} 个噪声向量 z"),
    "algorithm data": _text("sample {m} examples x from the data", "采样 {m} 个真实数据 x"),
    "algorithm D": _text("update D by gradient ascent on", "更新 D，对下式做梯度上升："),
    "algorithm G": _text("update G by gradient descent on", "更新 G，对下式做梯度下降："),
    "explain start": _text(
        "Training has not started. G maps noise z to samples. D(x) is the probability that x "
        "comes from the data.",
        "训练尚未开始。G 把噪声 z 映射为样本；D(x) 表示 x 来自真实数据的概率。",
    ),
    "explain D": _text(
        "D was updated {k}× with G fixed, to separate data from samples better. "
        "V changed from {before} to {after}.",
        "固定 G，D 更新了 {k} 次，以便更好地区分数据与样本。V 由 {before} 变为 {after}。",
    ),
    "explain G": _text(
        "G was updated once with D fixed: its samples moved to where D(x) is higher. "
        "V changed from {before} to {after}.",
        "固定 D，G 更新了一次：样本移向 D(x) 更大的区域。V 由 {before} 变为 {after}。",
    ),
    "explain both": _text(
        "Full rounds: D is updated {k}×, then G once. On the latest minibatches, D(x) was {D_x} "
        "and D(G(z)) was {D_G_z} on average.",
        "完整的一轮：D 更新 {k} 次，然后 G 更新一次。在最近的小批量上，D(x) 平均为 {D_x}，"
        "D(G(z)) 平均为 {D_G_z}。",
    ),
    # --- Metrics ---
    "metrics": _text("Metrics", "指标"),
    "now": _text("now", "当前"),
    "perfect": _text("perfect G", "理想的 G"),
    "perfect question": _text("What is “perfect G”?", "什么是“理想的 G”？"),
    "perfect explained": _text(
        "“Perfect G” is the value for a generator that samples from the data distribution "
        "itself, measured with the same number of samples. Compare G with it, not with 0.",
        "“理想的 G”指直接从数据分布采样的生成器，用同样多的样本得到的指标值。评价 G 时应与它"
        "比较，而不是与 0 比较。",
    ),
    "metric V": _text("V(D, G)", "V(D, G)"),
    "metric C": _text("−log 4 + 2·JSD", "−log 4 + 2·JSD"),
    "metric C from samples": _text("… from {m} samples", "…… 由 {m} 个样本估计"),
    "metric JSD": _text("JSD(p_data ‖ p_g)", "JSD(p_data ‖ p_g)"),
    "metric KL data g": _text("KL(p_data ‖ p_g)", "KL(p_data ‖ p_g)"),
    "metric KL g data": _text("KL(p_g ‖ p_data)", "KL(p_g ‖ p_data)"),
    "metric KL data g smoothed": _text("KL(p_data ‖ p_g), smoothed", "KL(p_data ‖ p_g)，平滑后"),
    "metric KL g data smoothed": _text("KL(p_g ‖ p_data), smoothed", "KL(p_g ‖ p_data)，平滑后"),
    "metric data without samples": _text(
        "share of p_data in empty cells", "p_data 落在空格子的比例"
    ),
    "metric JSD classes": _text("JSD of classes", "类别的 JSD"),
    "metric KL data g classes": _text("KL of classes, data ‖ G", "类别的 KL，数据 ‖ G"),
    "metric KL g data classes": _text("KL of classes, G ‖ data", "类别的 KL，G ‖ 数据"),
    "metric accuracy": _text("D's accuracy", "D 的准确率"),
    "metric distance": _text("mean |D − D*|", "|D − D*| 的均值"),
    "metric modes hit": _text("modes covered", "覆盖的模式数"),
    "metric near a mode": _text("share of samples near a mode", "模式附近的样本比例"),
    "metric distance from the ring": _text("distance from the ring", "与圆环的距离"),
    "metric angles covered": _text("angles covered", "覆盖的角度比例"),
    "metric spread": _text("variance of samples / data", "样本与数据的方差比"),
    "method line": _text("Exact, on 240 cells of x.", "在 x 的 240 个格子上精确计算。"),
    "method points": _text(
        "p_data is itself an estimate: a Gaussian at each of your {points} points.",
        "p_data 本身也是估计：以您的 {points} 个点为中心各放一个高斯核。",
    ),
    "method plane": _text(
        "Estimated from 2,000 samples in 40 × 40 cells, so that no G reaches 0. Without smoothing, "
        "KL(p_data ‖ p_g) is infinite: {share} % of p_data lies in cells without a sample "
        "({perfect} % for a perfect G). Smoothing adds half a sample to every cell.",
        "由 2000 个样本在 40 × 40 个格子中估计，因此任何 G 都达不到 0。不平滑时 KL(p_data ‖ "
        "p_g) 为无穷大：p_data 有 {share}% 落在没有样本的格子里（理想的 G 为 {perfect}%）。平滑"
        "是指每个格子多计半个样本。",
    ),
    "method curve": _text(
        "These data have no density: for every G with a density, JSD is log 2 and KL is infinite. "
        "The distance and the angles of 2,000 samples are shown instead.",
        "这些数据没有概率密度：只要 G 有密度，JSD 恒为 log 2，KL 恒为无穷大。因此改为给出 2000 个"
        "样本的距离和角度。",
    ),
    "method images": _text(
        "From 200 samples and 200 held-out images. The JSD of the images themselves cannot be "
        "computed.",
        "由 200 个样本和 200 幅未参与训练的图像估计。图像本身的 JSD 无法计算。",
    ),
    "method classes": _text(
        "A sample has the class of its nearest training image. For KL, half a sample is added to "
        "every class.",
        "样本的类别取其最近邻训练图像的类别。计算 KL 时每个类别多计半个样本。",
    ),
    # --- Diagnosis ---
    "diagnosis": _text("Diagnosis", "诊断"),
    "problem none": _text("No problem detected.", "未发现问题。"),
    "problem early": _text(
        "Training has only just started: all samples still look alike. Different digits appear "
        "after some hundred rounds.",
        "训练刚刚开始：所有样本几乎相同。几百轮之后才会出现不同的数字。",
    ),
    "problem D too strong": _text(
        "D is too strong: it separates samples from data with over 99 % certainty, so G gets "
        "almost no gradient. Try: a smaller k, a smaller learning rate for D, or the "
        "non-saturating objective.",
        "D 太强：它以超过 99% 的把握区分样本与数据，G 几乎得不到梯度。可尝试：减小 k、减小 D 的"
        "学习率，或改用非饱和目标函数。",
    ),
    "problem saturated": _text(
        "G's objective is saturated: D rejects the samples with certainty, where log(1 − D(G(z))) "
        "is flat and has no gradient. Try: the non-saturating objective.",
        "G 的目标函数饱和：D 几乎确定样本是假的，此处 log(1 − D(G(z))) 平坦，没有梯度。可尝试："
        "改用非饱和目标函数。",
    ),
    "problem collapsed": _text(
        "Mode collapse: G maps many values of z to the same x, and parts of the data are never "
        "generated. Try: more steps of D (k), a larger learning rate for D, or a smaller learning "
        "rate.",
        "模式崩溃：G 把许多不同的 z 映射到同一个 x，部分数据从不出现。可尝试：增大 D 的步数 k、增"
        "大 D 的学习率，或减小学习率。",
    ),
    "problem no diversity": _text(
        "G has not started to learn: all samples still look alike. Try: another learning rate.",
        "G 尚未开始学习：所有样本几乎相同。可尝试：更换学习率。",
    ),
    "problem oscillating": _text(
        "Training oscillates: p_g moves back and forth, and D follows it. Try: a smaller or "
        "decaying learning rate, or a larger learning rate for D.",
        "训练振荡：p_g 来回移动，D 随之变化。可尝试：减小学习率、让学习率衰减，或增大 D 的学习率。",
    ),
    # --- Data ---
    "data": _text("Data", "数据"),
    "data gaussian": _text("Gaussian", "高斯分布"),
    "data mixture": _text("Two Gaussians", "两个高斯分布的混合"),
    "data uniform": _text("Uniform", "均匀分布"),
    "data ring": _text("Ring", "圆环"),
    "data zero-width-ring": _text("Ring of zero width", "零宽度圆环"),
    "data ring-of-gaussians": _text("Ring of Gaussians", "环形高斯混合"),
    "data grid": _text("Grid of Gaussians", "网格高斯混合"),
    "data spiral": _text("Spiral", "螺旋"),
    "data moons": _text("Two moons", "双月"),
    "data mnist-5k": _text("MNIST, 5,000 digits", "MNIST，5000 幅手写数字"),
    "data command line": _text("From the command line", "命令行指定的数据"),
    "data points": _text("Your points", "您的数据"),
    "draw": _text("Draw", "手绘"),
    "draw how": _text(
        "Draw with the mouse or a finger. The lines become the data.",
        "用鼠标或手指画线，所画的线就是数据。",
    ),
    "draw use": _text("Use the drawing", "使用手绘数据"),
    "draw clear": _text("Clear", "清除"),
    "cancel": _text("Cancel", "取消"),
    "upload": _text("CSV file", "CSV 文件"),
    "paste": _text("Enter points", "输入数据"),
    "paste how": _text(
        "One point per line: one number for 1-D data, two numbers with a comma for 2-D data. "
        "Up to 2,000 points, rounded to 1/65,535 of their range.",
        "每行一个点：一维数据写一个数，二维数据写逗号隔开的两个数。最多 2000 个点，精度为取值范围"
        "的 1/65535。",
    ),
    "paste use": _text("Use these points", "使用这些点"),
    # --- Settings ---
    "settings": _text("Settings", "设置"),
    "setting which": _text("Settings of", "设置对象"),
    "setting live": _text("Take effect at once", "立即生效"),
    "setting restart": _text("Start a new game", "需要重新开始"),
    "setting k": _text("k, steps of D per round", "k，每轮 D 的步数"),
    "setting objective": _text("G's objective", "G 的目标函数"),
    "setting optimiser": _text("G's optimiser", "G 的优化器"),
    "setting optimiser_D": _text("D's optimiser", "D 的优化器"),
    "setting lr": _text("learning rate", "学习率"),
    "setting d_lr_multiplier": _text("D's learning rate ÷ G's", "D 与 G 的学习率之比"),
    "setting batch": _text("batch size m", "批量大小 m"),
    "setting D.keep_prob_hidden": _text("dropout rate in D", "D 的丢弃率"),
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
    "choice sgd": _text("SGD", "SGD"),
    "choice adam": _text("Adam", "Adam"),
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
    "legend grid": _text("grid in z, mapped by G", "z 网格经 G 映射"),
    "legend gradient": _text("−∇ₓ of G's objective", "G 的目标函数的负梯度"),
    "legend D": _text("D(x): green 0, blue 1", "D(x)：绿为 0，蓝为 1"),
    "legend perfect": _text("value for a perfect G", "理想的 G 对应的值"),
    "D output": _text("D's output: probability that x is data", "D 的输出：x 来自真实数据的概率"),
    "show grid": _text("grid in z", "z 网格"),
    "show gradient": _text("gradient arrows", "梯度箭头"),
    "samples": _text("Samples (the noise is always the same)", "样本（噪声固定不变）"),
    "nearest": _text("Show the nearest training images", "显示最近邻的训练图像"),
    "nearest row": _text(
        "Training images nearest to the first row", "与第一行样本最近邻的训练图像"
    ),
    # --- The latent space of a trained run ---
    "latent how": _text(
        "Click two images. The first slider moves along the straight line between them in z, the "
        "other sliders move z in other directions.",
        "依次点选两幅图像。第一个滑块在 z 空间中沿连接两者的直线移动，其余滑块沿其他方向移动 z。",
    ),
    "latent from": _text("from image", "起点图像"),
    "latent to": _text("to image", "终点图像"),
    "mark from": _text("from", "起"),
    "mark to": _text("to", "终"),
    "latent t": _text("position on the line", "直线上的位置"),
    "latent direction": _text("direction {n}", "方向 {n}"),
    "latent here": _text("G(z) at this position", "当前位置的 G(z)"),
    "latent line": _text("Interpolation between the two images", "两幅图像之间的插值"),
    "latent images": _text("Images to choose from", "可选的图像"),
    # --- Lessons ---
    "lessons": _text("Lessons", "课程"),
    "lesson none": _text("Choose a lesson …", "选择课程……"),
    "lesson figure 1": _text("Figure 1, animated", "动态的图 1"),
    "lesson collapse": _text("Mode collapse", "模式崩溃"),
    "lesson saturation": _text("The minimax objective saturates", "极小极大目标函数的饱和"),
    "lesson k too large": _text("k too large", "k 过大"),
    "lesson G first": _text("A head start for G", "先训练 G"),
    "lesson circling": _text("Oscillation", "振荡"),
    "lesson zero width": _text("A ring of zero width", "零宽度圆环"),
    "about figure 1": _text(
        "Press Play. D first learns where data are more frequent than samples and comes near D*. G "
        "follows D's gradient, and p_g moves to p_data. In the end D(x) = ½ and V = −log 4.",
        "点击“运行”。D 先学会数据比样本更密集的区域，接近 D*；G 沿 D 的梯度更新，p_g 移向 p_data。"
        "最终 D(x) = ½，V = −log 4。",
    ),
    "about collapse": _text(
        "Left: D learns four times slower than G. G maps many z to one x and moves from mode to "
        "mode (the paper calls this “the Helvetica scenario”). Right: D learns fast enough, and G "
        "covers all modes.",
        "左：D 的学习速度只有 G 的四分之一，G 把许多 z 映射到同一个 x，并在各模式之间移动（论文"
        "称为“Helvetica 情景”）。右：D 学得足够快，G 覆盖了所有模式。",
    ),
    "about saturation": _text(
        "G's first samples form a small cluster where there are no data, and D soon rejects them "
        "all. Left, log(1 − D(G(z))): the gradient is nearly 0, the arrows vanish, the cluster "
        "stays. Right, −log D(G(z)): the gradient is large, and the cluster moves to the data.",
        "G 最初的样本是一小团，周围没有数据，D 很快就能拒绝所有样本。左：log(1 − D(G(z)))，梯度接"
        "近 0，箭头消失，样本停在原地。右：−log D(G(z))，梯度较大，样本移向数据。",
    ),
    "about k too large": _text(
        "D is updated k times for each update of G. Left, k = 1: p_g comes near the data. Right, "
        "k = 30: D stays near D*, as the theory assumes, but each round costs many times more, and "
        "G learns less: its JSD stays more than twice as large.",
        "G 每更新一次，D 更新 k 次。左：k = 1，p_g 接近数据分布。右：k = 30，D 如理论所假设的那样"
        "接近 D*，但每轮计算量大了许多倍，G 反而更差，JSD 是左边的两倍以上。",
    ),
    "about G first": _text(
        "Left: G is trained alone for 100 rounds against an untrained D, and p_g moves away from "
        "the data. Right: both are trained from the start. A short head start may help G; this one "
        "harms it.",
        "左：先用未训练的 D 单独训练 G 100 轮，p_g 远离了数据分布。右：从一开始就同时训练。短暂的"
        "先行训练或许有益，这里则有害。",
    ),
    "about circling": _text(
        "Left: two small networks with a constant learning rate oscillate. The paper's proof "
        "updates p_g itself; in practice gradient steps update parameters. Right: the game of "
        "Figure 1.",
        "左：两个小网络以固定学习率训练，出现振荡。论文的证明直接更新 p_g，而实际训练更新的是参"
        "数。右：图 1 的博弈。",
    ),
    "about zero width": _text(
        "These data lie on a curve, so they have no density in the plane. Adversarial nets do not "
        "need one: watch the distance from the ring decrease and the angles being covered.",
        "这些数据落在一条曲线上，在平面上没有概率密度。对抗网络并不需要密度：请观察样本与圆环的距"
        "离逐渐减小，角度逐渐覆盖完整。",
    ),
    # --- Sharing ---
    "share": _text("Share", "分享"),
    "share how": _text(
        "The address of this page stores the whole game. The command and the program reproduce it "
        "bit for bit:",
        "本页网址记录了整局博弈。复制出的命令和程序可逐比特复现同一局：",
    ),
    "copy link": _text("Copy link", "复制链接"),
    "copy command": _text("Copy as command", "复制为命令"),
    "copy program": _text("Copy as Python", "复制为 Python"),
    "copied": _text("Copied.", "已复制。"),
    "weights": _text("Fingerprint of the weights", "权重指纹"),
    "weights how": _text(
        "The copied command prints the same fingerprint if every bit of the weights is the same.",
        "若权重逐比特相同，复制的命令会输出同样的指纹。",
    ),
    "export": _text("Save as", "另存为"),
    "working": _text("Working …", "正在处理……"),
    # --- Errors ---
    "error unknown message": _text(
        "The page sent a request that the playground does not know. Nothing has changed.",
        "页面发送了无法识别的请求。设置未改变。",
    ),
    "error mistake": _text(
        "This is not possible. Nothing has changed. {detail}", "无法执行此操作。设置未改变。"
    ),
    "error diverged": _text(
        "Training has diverged: the weights are NaN or infinite. Use a smaller learning rate and "
        "press Reset.",
        "训练已发散：权重出现 NaN 或无穷大。请减小学习率，然后重置。",
    ),
    "error too large": _text(
        "This is too large; the limit is {most}. Nothing has changed.",
        "超出大小限制，上限为 {most}。设置未改变。",
    ),
    "error too many points": _text(
        "There are too many points; the limit is {most}. Nothing has changed.",
        "点数过多，上限为 {most}。设置未改变。",
    ),
    "error too many changes": _text(
        "The settings of this game have been changed {most} times, which is the limit. Press Reset "
        "to begin a new game.",
        "本局的设置已修改 {most} 次，达到上限。请重置后重新开始。",
    ),
    "error too many rounds": _text(
        "A game here has at most {most} rounds. Copy the game as a command to play more rounds.",
        "这里每局最多 {most} 轮。如需更多轮，请复制为命令后在终端运行。",
    ),
    "error out of range": _text(
        "“{name}” can be at most {most} here. Nothing has changed.",
        "这里“{name}”最大为 {most}。设置未改变。",
    ),
    "error bad value": _text(
        "“{name}” cannot be {value} here. Nothing has changed. {detail}",
        "这里“{name}”不能设为 {value}。设置未改变。",
    ),
    "error bad points": _text(
        "{detail} Nothing has changed.",
        "无法读取这些点：每行须为一个数或逗号隔开的两个数，各行列数相同，且每一列至少有两个不同的"
        "值。设置未改变。",
    ),
    "error too much work": _text(
        "One round would need {times} times the computation allowed here. Use smaller networks, a "
        "smaller batch, or a smaller k. Nothing has changed.",
        "一轮的计算量将是允许值的 {times} 倍。请减小网络、批量或 k。设置未改变。",
    ),
    "error message too large": _text(
        "The request was too large, and the game was closed. Reload the page to continue: its "
        "address stores the game.",
        "请求过大，本局已关闭。刷新页面即可继续：网址记录了整局博弈。",
    ),
    "error no such data": _text(
        "The playground has no data of this name. Choose data from the list. Nothing has changed.",
        "没有这样的数据，请从列表中选择。设置未改变。",
    ),
    "error no run": _text(
        "No trained run was named. Start the playground with: advnets playground RUN",
        "启动时未指定已训练的模型。启动命令：advnets playground RUN",
    ),
    "error draw more": _text(
        "The drawing is too short. Draw more first.", "线条太短，请再多画一些。"
    ),
    "error full": _text(
        "{most} pages are open, which is the limit. Try again when one of them has been closed.",
        "已打开 {most} 个页面，达到上限。请等其他页面关闭后再试。",
    ),
    "error too fast": _text(
        "Too many requests at once; some were ignored. Wait a moment and try again.",
        "请求过于频繁，部分请求未执行。请稍后再试。",
    ),
    "error broken": _text(
        "An error in the playground itself ended this game. Reload the page to play it again.",
        "程序内部出错，本局已结束。刷新页面可重新开始。",
    ),
    "error idle": _text(
        "The game was closed because there was no request for half an hour. Reload the page to "
        "play it again.",
        "半小时没有操作，本局已关闭。刷新页面可重新开始。",
    ),
}
