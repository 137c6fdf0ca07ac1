"""Every word of the page, in English and in Chinese; {gaps} are filled by the page."""

from collections.abc import Mapping

__all__ = ["WORDS"]

Both = dict[str, str]


def _both(en: str, zh: str) -> Both:
    return {"en": en, "zh": zh}


WORDS: Mapping[str, Both] = {
    # --- The frame of the page ---
    "title": _both("Adversarial playground", "对抗网络游乐场"),
    "tagline": _both(
        "Watch two networks play, stop them, and change the game.",
        "看两个网络对弈，随时停下，随手改变。",
    ),
    "other language": _both("中文", "English"),
    "theme": _both("Light or dark", "明暗切换"),
    "skip": _both("Skip to the game", "跳到游戏"),
    "boards": _both("Boards", "棋盘"),
    "board line": _both("On a line", "直线上"),
    "board plane": _both("In a plane", "平面上"),
    "board images": _both("Digits", "手写数字"),
    "board walk": _both("Trained run", "已训练模型"),
    "connecting": _both("Connecting …", "正在连接……"),
    "lost": _both(
        "The connection is closed. Reload the page to go on: its address holds the game.",
        "连接已断开。刷新页面即可继续：网址里保存着整局游戏。",
    ),
    "help": _both(
        "Keys: space runs and pauses, N plays a round, D and G play one player's step, R resets, "
        "← and → look back and forth.",
        "快捷键：空格运行或暂停，N 走一轮，D 和 G 各走一方的一步，R 重来，← → 前后回看。",
    ),
    # --- Playing ---
    "play": _both("Play", "对弈"),
    "run": _both("Run", "运行"),
    "pause": _both("Pause", "暂停"),
    "one round": _both("One round", "走一轮"),
    "step D": _both("D's step", "D 走一步"),
    "step G": _both("G's step", "G 走一步"),
    "reset": _both("Reset", "重来"),
    "speed": _both("Rounds per picture", "每帧轮数"),
    "history": _both("Look back", "回看"),
    "go on here": _both("Go on from here", "从这里继续"),
    "round": _both("round", "轮"),
    "at round": _both("Round {round}", "第 {round} 轮"),
    "at round of": _both("Round {round} of {last}", "第 {round} 轮，共 {last} 轮"),
    "replaying": _both("Playing up to round {goal} …", "正在重放到第 {goal} 轮……"),
    "fps": _both("{fps} pictures/s", "每秒 {fps} 帧"),
    "board A": _both("Game A", "甲局"),
    "board B": _both("Game B", "乙局"),
    "which is": _both("{game}: ", "{game}："),
    "beside": _both("Two games, one seed", "两局并排，同一种子"),
    "picture of": _both("{kind}, round {round}. {readings}", "{kind}，第 {round} 轮。{readings}"),
    # --- Algorithm 1 ---
    "algorithm": _both("Algorithm 1", "算法 1"),
    "alg for": _both("for each round:", "每一轮："),
    "alg k": _both("k times, here {k}:", "重复 k 次，这里 k = {k}："),
    "alg noise D": _both("draw {m} noise vectors z", "取 {m} 个噪声向量 z"),
    "alg data": _both("draw {m} data points x", "取 {m} 个数据点 x"),
    "alg D": _both("D climbs its gradient of", "D 沿梯度上升："),
    "alg noise G": _both("draw {m} noise vectors z", "取 {m} 个噪声向量 z"),
    "alg G": _both("G descends its gradient of", "G 沿梯度下降："),
    "say begin": _both(
        "Nothing has been played yet. G turns noise z into samples; D says how likely each point "
        "is to be data.",
        "还没有开始。G 把噪声 z 变成样本；D 判断每个点有多大可能是真实数据。",
    ),
    "say D": _both(
        "D has stepped {k}× while G stood still, to tell data from samples better. "
        "V went from {before} to {after}.",
        "D 走了 {k} 步，G 原地不动：D 学着更好地区分数据与样本。V 从 {before} 变为 {after}。",
    ),
    "say G": _both(
        "G has taken its step and D stood still: samples moved to where D takes them for data. "
        "V went from {before} to {after}.",
        "G 走了一步，D 原地不动：样本移向 D 认为像数据的地方。V 从 {before} 变为 {after}。",
    ),
    "say both": _both(
        "Whole rounds: D steps {k}×, then G once. On the last minibatches D(x) was {D_x} on "
        "average, and D(G(z)) was {D_G_z}.",
        "整轮对弈：D 走 {k} 步，然后 G 走一步。小批量上 D(x) 平均为 {D_x}，D(G(z)) 为 {D_G_z}。",
    ),
    # --- Reading ---
    "readings": _both("Readings", "读数"),
    "now": _both("now", "当前"),
    "perfect": _both("perfect G", "完美的 G"),
    "perfect why": _both(
        "“Perfect G” is what a generator that draws from the data's own distribution would get "
        "with the same number of samples. Only the distance from it says anything about G.",
        "“完美的 G”是指从数据真实分布中抽样的生成器，用同样多的样本会得到的值。与它的差距才说"
        "明 G 的好坏。",
    ),
    "read V": _both("V(D, G)", "V(D, G)"),
    "read C": _both("−log 4 + 2·JSD", "−log 4 + 2·JSD"),
    "read C from samples": _both("… from {m} samples", "…… 由 {m} 个样本估计"),
    "read JSD": _both("JSD(p_data ‖ p_g)", "JSD(p_data ‖ p_g)"),
    "read KL data g": _both("KL(p_data ‖ p_g)", "KL(p_data ‖ p_g)"),
    "read KL g data": _both("KL(p_g ‖ p_data)", "KL(p_g ‖ p_data)"),
    "read KL data g smoothed": _both("KL(p_data ‖ p_g), smoothed", "KL(p_data ‖ p_g)，平滑后"),
    "read KL g data smoothed": _both("KL(p_g ‖ p_data), smoothed", "KL(p_g ‖ p_data)，平滑后"),
    "read data without samples": _both("p_data where no sample fell", "无样本之处的 p_data"),
    "how line": _both("Exact, on 240 cells of x.", "在 x 的 240 个格子上精确计算。"),
    "how points": _both(
        "p_data itself is an estimate: a Gaussian on each of your {points} points.",
        "p_data 本身是估计：在你的 {points} 个点上各放一个高斯。",
    ),
    "how plane": _both(
        "From 2,000 samples in 40 × 40 cells, so no G reads 0. KL(p_data ‖ p_g) of the bare counts "
        "is infinite, as {share} % of p_data lies in cells without a sample ({perfect} % for a "
        "perfect G). Smoothed: every cell gets half a sample more.",
        "由 2000 个样本在 40 × 40 个格子中估计，所以没有 G 能得到 0。直接计数的 KL(p_data ‖ p_g) "
        "是无穷大：p_data 有 {share}% 落在没有样本的格子里（完美的 G 有 {perfect}%）。平滑：每个格"
        "子多给半个样本。",
    ),
    "how curve": _both(
        "These data have no density: for every G that has one JSD is log 2 and KL infinite, "
        "however near it comes. So distance and angles are read instead, from 2,000 samples.",
        "这些数据没有密度：对任何有密度的 G，无论多么接近，JSD 都是 log 2，KL 都是无穷大。因此改"
        "用 2000 个样本测量距离和角度。",
    ),
    "how images": _both(
        "From 200 samples and 200 images that the game does not use. JSD of the images themselves "
        "cannot be known.",
        "由 200 个样本与 200 幅未参与游戏的图像估计。图像本身的 JSD 无从得知。",
    ),
    "how classes": _both(
        "A sample's class is that of the nearest training image. For KL every class gets half a "
        "sample more.",
        "样本的类别取自最接近的训练图像。计算 KL 时每个类别多给半个样本。",
    ),
    "read JSD classes": _both("JSD of classes", "类别的 JSD"),
    "read KL data g classes": _both("KL of classes, data ‖ G", "类别的 KL，数据 ‖ G"),
    "read KL g data classes": _both("KL of classes, G ‖ data", "类别的 KL，G ‖ 数据"),
    "read accuracy": _both("D's accuracy", "D 的准确率"),
    "read distance": _both("mean |D − D*|", "平均 |D − D*|"),
    "read modes hit": _both("modes hit", "命中的峰"),
    "read near a mode": _both("samples near a mode", "靠近峰的样本"),
    "read distance from the ring": _both("distance from the ring", "到圆环的距离"),
    "read angles covered": _both("angles covered", "覆盖的角度"),
    "read spread": _both("variety of samples", "样本的多样性"),
    "diagnosis": _both("Diagnosis", "诊断"),
    "trouble none": _both("Nothing is wrong that can be seen from here.", "目前看不出问题。"),
    "trouble early": _both(
        "Early days: the samples are still all alike. Digits part after some hundred rounds.",
        "刚开始：样本几乎都一样。数字要几百轮之后才彼此分开。",
    ),
    "trouble D wins": _both(
        "D is too strong: it tells samples from data with over 99 % certainty and has little left "
        "to teach. Next: a smaller k, a slower D, or the non-saturating objective.",
        "D 太强：它以超过 99% 的把握分清样本与数据，几乎没有什么可教给 G。下一步：减小 k、放慢"
        " D，或改用非饱和目标。",
    ),
    "trouble saturated": _both(
        "G is saturated: where D rejects its samples with certainty, log(1 − D(G(z))) is flat and "
        "gives no gradient. Next: the non-saturating objective.",
        "G 饱和了：D 断定样本是假的，那里 log(1 − D(G(z))) 是平的，没有梯度。下一步：改用非饱"
        "和目标。",
    ),
    "trouble collapsed": _both(
        "G has collapsed: many values of z become the same x, and part of the data is never drawn. "
        "Next: more steps of D (k), a faster D, or a smaller learning rate.",
        "G 坍缩了：许多不同的 z 变成同样的 x，一部分数据从不出现。下一步：增加 D 的步数 k、加"
        "快 D，或减小学习率。",
    ),
    "trouble not taken off": _both(
        "G has not taken off: its samples are still all alike. Next: another learning rate.",
        "G 还没有起步：样本几乎都一样。下一步：换一个学习率。",
    ),
    "trouble circling": _both(
        "The players circle: G runs to and fro and D after it, as gradient steps on parameters do. "
        "Next: a smaller learning rate, or one that falls, or a faster D.",
        "双方在绕圈：G 来回跑，D 跟着追；参数空间里的梯度步会这样。下一步：减小学习率、让它逐"
        "渐下降，或加快 D。",
    ),
    # --- Data ---
    "data": _both("Data", "数据"),
    "data gaussian": _both("Gaussian", "高斯分布"),
    "data mixture": _both("Two Gaussians", "两个高斯"),
    "data uniform": _both("Uniform", "均匀分布"),
    "data ring": _both("Ring", "圆环"),
    "data zero-width-ring": _both("Ring of zero width", "零宽度圆环"),
    "data ring-of-gaussians": _both("Ring of Gaussians", "一圈高斯"),
    "data grid": _both("Grid of Gaussians", "高斯网格"),
    "data spiral": _both("Spiral", "螺旋"),
    "data moons": _both("Two moons", "双月"),
    "data mnist-5k": _both("MNIST, 5,000 digits", "MNIST，5000 个数字"),
    "data own": _both("From the command line", "命令行指定"),
    "data points": _both("Your own", "自备数据"),
    "draw": _both("Draw", "手绘"),
    "draw how": _both(
        "Draw with mouse or finger; G will learn to draw points there.",
        "用鼠标或手指画线；G 将学着在那里生成点。",
    ),
    "draw use": _both("Use the drawing", "使用手绘"),
    "draw clear": _both("Clear", "清除"),
    "cancel": _both("Cancel", "取消"),
    "upload": _both("CSV file", "CSV 文件"),
    "paste": _both("Own sample", "自己的样本"),
    "paste how": _both(
        "One point a line: one number for a game on a line, two with a comma for one in a plane. "
        "Up to 2,000 points, rounded to 1/65,535 of their range.",
        "每行一个点：一个数是直线上的游戏，逗号隔开的两个数是平面上的游戏。最多 2000 个点，精"
        "度为其范围的 1/65535。",
    ),
    "paste use": _both("Use these points", "使用这些点"),
    # --- Bending ---
    "settings": _both("Change the game", "改变游戏"),
    "setting which": _both("Settings of", "设置对象"),
    "setting live": _both("Changes while it plays", "对弈中立即生效"),
    "setting restart": _both("Starts a new game", "需要重新开局"),
    "setting k": _both("k, steps of D a round", "k，每轮 D 的步数"),
    "setting objective": _both("G's objective", "G 的目标"),
    "setting optimiser": _both("G's optimiser", "G 的优化器"),
    "setting optimiser_D": _both("D's optimiser", "D 的优化器"),
    "setting lr": _both("learning rate", "学习率"),
    "setting d_lr_multiplier": _both("D's rate is G's ×", "D 的学习率是 G 的几倍"),
    "setting batch": _both("batch size m", "批量大小 m"),
    "setting D.keep_prob_hidden": _both("dropout in D", "D 的随机失活"),
    "setting G.hidden": _both("G: layers × units", "G：层数 × 单元"),
    "setting D.units": _both("D: layers × units", "D：层数 × 单元"),
    "setting G.activations": _both("G's units", "G 的单元"),
    "setting D.activation": _both("D's units", "D 的单元"),
    "setting prior": _both("prior p_z", "先验 p_z"),
    "setting z_size": _both("dimension of z", "z 的维数"),
    "setting seed": _both("seed", "随机种子"),
    "layers": _both("layers", "层数"),
    "units": _both("units", "单元数"),
    "is minimax": _both("minimax", "极小极大"),
    "is non-saturating": _both("non-saturating", "非饱和"),
    "is sgd": _both("SGD", "SGD"),
    "is adam": _both("Adam", "Adam"),
    "is None": _both("as G's", "与 G 相同"),
    "is relu": _both("ReLU", "ReLU"),
    "is sigmoid": _both("sigmoid", "S 形函数"),
    "is maxout": _both("maxout", "Maxout"),
    "is uniform": _both("uniform", "均匀"),
    "is gaussian": _both("Gaussian", "高斯"),
    "is spherical": _both("spherical", "球面"),
    # --- Boards ---
    "legend data": _both("data", "数据"),
    "legend samples": _both("samples G(z)", "样本 G(z)"),
    "legend grid": _both("grid of z, bent by G", "被 G 弯曲的 z 网格"),
    "legend pull": _both("pull of G's objective", "G 的目标的拉力"),
    "legend D": _both("D: green sample, blue data", "D：绿为样本，蓝为数据"),
    "legend floor": _both("its value for a perfect G", "完美的 G 会得到的值"),
    "D says": _both("what D says: the probability of being data", "D 的判断：是真实数据的概率"),
    "show grid": _both("grid of z", "z 网格"),
    "show pull": _both("gradient arrows", "梯度箭头"),
    "samples": _both("Samples, always from the same noise", "样本（始终来自相同的噪声）"),
    "nearest": _both("Show the nearest training images", "显示最接近的训练图像"),
    "nearest row": _both(
        "The training images nearest to the first row", "与第一行最接近的训练图像"
    ),
    "walk": _both("Walk in z", "在 z 中漫步"),
    "walk how": _both(
        "Pick two images, one click for each; walk along the straight line between them in z, and "
        "with the sliders off it.",
        "点选两幅图像，沿 z 中连接它们的直线行走，也可用滑块离开直线。",
    ),
    "walk from": _both("from image", "起点图像"),
    "walk to": _both("to image", "终点图像"),
    "mark from": _both("from", "起"),
    "mark to": _both("to", "终"),
    "walk t": _both("place on the line", "线上的位置"),
    "walk move": _both("direction {n}", "方向 {n}"),
    "walk here": _both("G(z) here", "此处的 G(z)"),
    "walk line": _both("The line from one to the other", "从起点到终点"),
    "walk picks": _both("Images to pick from", "可选的图像"),
    # --- Lessons ---
    "lessons": _both("Lessons", "课程"),
    "lesson none": _both("Choose a lesson …", "选择一课……"),
    "lesson figure 1": _both("Figure 1, alive", "活的图 1"),
    "lesson collapse": _both("Make it collapse", "让它坍缩"),
    "lesson saturation": _both("Minimax stalls", "极小极大会停滞"),
    "lesson k too large": _both("k too large", "k 太大"),
    "lesson G first": _both("G first", "让 G 先走"),
    "lesson circling": _both("Circling", "绕圈"),
    "lesson zero width": _both("A ring of zero width", "零宽度圆环"),
    "about figure 1": _both(
        "Press Run. D first learns where data outweigh samples and comes near D*; G follows D's "
        "gradient, and p_g flows onto p_data. In the end D can only say ½ and V is −log 4.",
        "点“运行”。D 先学会哪里数据多于样本，接近 D*；G 顺着 D 的梯度走，p_g 流向 p_data。最后"
        " D 只能说 ½，V 等于 −log 4。",
    ),
    "about collapse": _both(
        "Left: D learns four times slower than a fast G, which maps many z to one x and chases "
        "from mode to mode (“the Helvetica scenario”). Right: D keeps up, and all modes are found.",
        "左：D 比急躁的 G 慢四倍，G 把许多 z 变成同一个 x，在峰之间追逐（论文所说的“Helvetica "
        "情景”）。右：D 跟得上，所有的峰都找到了。",
    ),
    "about saturation": _both(
        "G begins as a blob where there are no data, and D soon rejects every sample. Left, log(1 "
        "− "
        "D(G(z))): the gradient is nearly 0, the arrows vanish, the blob stays. Right, −"
        "log D(G(z)): "
        "long arrows, and G sets out for the data.",
        "G 从没有数据的地方起步，是一小团，D 很快拒绝每个样本。左：log(1 − D(G(z)))，梯度近于"
        " 0，箭头消失，小团不动。右：−log D(G(z))，箭头很长，G 走向数据。",
    ),
    "about k too large": _both(
        "k steps of D for each of G. Left k = 1: p_g comes near the data. Right k = 30: D stays at "
        "D*, as the theory wants it, each round costs many times the work, and G is worse off: it "
        "gets stuck, its JSD more than twice as large.",
        "G 每走一步，D 走 k 步。左边 k = 1：p_g 接近数据。右边 k = 30：D 如理论所愿贴近 D*，每"
        "轮代价大了许多倍，G 反而更糟：它卡住了，JSD 大了一倍多。",
    ),
    "about G first": _both(
        "Left: G learns alone for 100 rounds against the first, ignorant D, and runs away from "
        "the data. Right: both from the beginning. A little head start may help; this one harms.",
        "左：G 先独自学 100 轮，面对一无所知的 D，结果跑离了数据。右：双方同时开始。少许先手或"
        "许有益；这里有害。",
    ),
    "about circling": _both(
        "Left: one constant rate for both small nets. The proof moves p_g itself; parameters move "
        "by gradient steps, and the players chase each other in circles. Right: Figure 1's game.",
        "左：两个小网络用同一个不变的学习率。证明中移动的是 p_g 本身；而参数按梯度步移动，双方"
        "追逐绕圈。右：图 1 的游戏。",
    ),
    "about zero width": _both(
        "These data lie on a line that has no area, so they have no density at all. Adversarial "
        "nets need none: watch the distance from the ring fall and the angles fill.",
        "这些数据落在一条没有面积的曲线上，根本没有密度。对抗网络不需要密度：看到圆环的距离变"
        "小，角度被填满。",
    ),
    # --- Sharing ---
    "share": _both("Share", "分享"),
    "share how": _both(
        "The address of this page holds the whole game. So do these, bit for bit:",
        "本页网址保存着整局游戏。下面这些也能逐位重现：",
    ),
    "copy link": _both("Copy link", "复制链接"),
    "copy command": _both("Copy as command", "复制为命令"),
    "copy program": _both("Copy as Python", "复制为 Python"),
    "copied": _both("Copied.", "已复制。"),
    "weights": _both("Weights", "权重指纹"),
    "weights how": _both(
        "The copied command prints the same, when every bit is the same.",
        "若每一位都相同，复制的命令会打印同样的指纹。",
    ),
    "export": _both("Save as", "保存为"),
    "working": _both("Working …", "正在处理……"),
    # --- Refusals ---
    "refused": _both("That could not be done", "无法执行"),
    "why unknown message": _both(
        "The page sent something that this playground does not know; nothing has changed.",
        "页面发来了无法理解的内容；什么都没有改变。",
    ),
    "why mistake": _both(
        "That does not work; nothing has changed. {detail}", "这样不行；什么都没有改变。"
    ),
    "why diverged": _both(
        "The weights are no longer finite numbers: the game has diverged. Reset, with a smaller "
        "learning rate.",
        "权重已不是有限的数：游戏发散了。请减小学习率后重来。",
    ),
    "why too large": _both(
        "That is too large; the most is {most}. Nothing has changed.",
        "太大了，上限是 {most}。什么都没有改变。",
    ),
    "why too many points": _both(
        "That is too many points; the most is {most}. Nothing has changed.",
        "点太多了，上限是 {most}。什么都没有改变。",
    ),
    "why too many changes": _both(
        "This game has been changed {most} times, which is the most. Reset begins a new one.",
        "这局已改变了 {most} 次，达到上限。请重来。",
    ),
    "why too many rounds": _both(
        "A game here has at most {most} rounds. Copy it as a command to play further.",
        "这里一局最多 {most} 轮。复制为命令可继续玩下去。",
    ),
    "why out of range": _both(
        "“{name}” can be {most} at most here. Nothing has changed.",
        "这里“{name}”最多为 {most}。什么都没有改变。",
    ),
    "why bad value": _both(
        "“{name}” cannot be {value} here; nothing has changed. {detail}",
        "这里“{name}”不能是 {value}；什么都没有改变。",
    ),
    "why bad points": _both(
        "{detail} Nothing has changed.",
        "这些点无法使用：每行须是同样的一个或两个有限的数，且至少有两个点在每个坐标上都不同。什么"
        "都没有改变。",
    ),
    "why too much work": _both(
        "One round would be {times} times the work that one visitor may have here: make the nets, "
        "the batch or k smaller. Nothing has changed.",
        "一轮的计算量将是每位访客上限的 {times} 倍：请减小网络、批量或 k。什么都没有改变。",
    ),
    "why too large message": _both(
        "That was too large, and the game was closed. Reload the page: its address holds the game.",
        "内容太大，这局已关闭。刷新页面即可继续：网址里保存着整局游戏。",
    ),
    "why no such data": _both(
        "There are no such data here. Nothing has changed.", "没有这样的数据。什么都没有改变。"
    ),
    "why no run": _both(
        "No trained run was named: advnets playground RUN.",
        "启动时没有指定已训练的模型：advnets playground RUN。",
    ),
    "why draw more": _both("Draw a little more first.", "请先多画一点。"),
    "why full": _both(
        "All {most} places are taken. Try again when somebody has closed the page.",
        "{most} 个位子都满了。等有人关闭页面后再试。",
    ),
    "why too fast": _both(
        "Too many messages at once; some were not obeyed.", "消息太快，有些没有执行。"
    ),
    "why broken": _both(
        "A mistake in the playground itself ended this game. Reload the page to play it again.",
        "游乐场自身出错，这局结束了。刷新页面可重新对弈。",
    ),
    "why idle": _both(
        "Nothing was asked for half an hour, so the game was put away. Reload to play it again.",
        "半小时没有操作，这局已收起。刷新页面可重新对弈。",
    ),
}
