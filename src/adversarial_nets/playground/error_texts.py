"""The page's messages about requests that cannot be carried out, in English and in Chinese.

The key of a message is ``error`` and the reason of its `validation.RequestError`.
"""

from collections.abc import Mapping

from adversarial_nets.languages import Text, text

__all__ = ["ERROR_TEXTS"]

ERROR_TEXTS: Mapping[str, Text] = {
    "error unknown message": text(
        "The page sent a request that the playground does not know. Nothing has changed.",
        "页面发送了无法识别的请求。未作任何更改。",
    ),
    "error mistake": text(
        "This is not possible. Nothing has changed. {detail}",
        "无法执行此操作。未作任何更改。（原因：{detail}）",
    ),
    "error diverged": text(
        "Training has diverged: the weights are NaN or infinite. Use a smaller learning rate and "
        "press Reset.",
        "训练已发散：权重中出现 NaN 或无穷大。请减小学习率，然后点击“重置”。",
    ),
    "error too large": text(
        "This is too large; the limit is {most}. Nothing has changed.",
        "超出大小上限（{most}）。未作任何更改。",
    ),
    "error too many points": text(
        "There are too many points; the limit is {most}. Nothing has changed.",
        "数据点过多，上限为 {most} 个。未作任何更改。",
    ),
    "error too many changes": text(
        "The settings of this game have been changed {most} times, which is the limit. Press Reset "
        "to begin a new game.",
        "本局的设置已修改 {most} 次，达到上限。请点击“重置”，开始新的一局。",
    ),
    "error too many rounds": text(
        "A game here has at most {most} rounds. Copy the game as a command to play more rounds.",
        "此处每局最多 {most} 轮。如需更多轮，请复制为命令，在终端中运行。",
    ),
    "error round has passed": text(
        "The game is already at round {round}. Enter a larger number.",
        "本局已进行到第 {round} 轮，请输入更大的数。",
    ),
    "error out of range": text(
        "“{name}” can be at most {most} here. Nothing has changed.",
        "“{name}”在此处最大为 {most}。未作任何更改。",
    ),
    "error bad value": text(
        "“{name}” cannot be {value} here. Nothing has changed. {detail}",
        "“{name}”在此处不能设为 {value}。未作任何更改。（原因：{detail}）",
    ),
    "error number": text(
        "“{name}” must be a number from {least} to {most} (given: {given}). Nothing has changed.",
        "“{name}”应为 {least} 到 {most} 之间的数（输入：{given}）。未作任何更改。",
    ),
    "error whole number": text(
        "“{name}” must be a whole number from {least} to {most} (given: {given}). Nothing has "
        "changed.",
        "“{name}”应为 {least} 到 {most} 之间的整数（输入：{given}）。未作任何更改。",
    ),
    "error whole number without limit": text(
        "“{name}” must be a whole number, {least} or larger (given: {given}). Nothing has changed.",
        "“{name}”应为不小于 {least} 的整数（输入：{given}）。未作任何更改。",
    ),
    "given nothing": text("nothing", "空"),
    "given no number": text("not a number", "非数字"),
    "error bad points": text(
        "{detail} Nothing has changed.",
        "无法读取这些数据点：每行应为一个数，或用逗号隔开的两个数；各行的列数须相同，"
        "且每列至少有两个不同的值。未作任何更改。",
    ),
    "error too much work": text(
        "One round would need {times} times the computation allowed here. Use smaller networks, a "
        "smaller batch, or a smaller k. Nothing has changed.",
        "每轮的计算量将达到上限的 {times} 倍。请缩小网络、减小批量大小或减小 k。未作任何更改。",
    ),
    "error message too large": text(
        "The request was too large; the server closed the connection. Trying again …",
        "请求过大，服务器已断开连接，正在重新连接……",
    ),
    "error no such data": text(
        "The playground has no data of this name. Choose data from the list. Nothing has changed.",
        "没有该数据，请从列表中选择。未作任何更改。",
    ),
    "error no run": text(
        "No trained run was named. Start the playground with: advnets playground RUN",
        "启动时未指定已训练的模型。请用以下命令启动：advnets playground RUN",
    ),
    "error draw more": text(
        "The drawing is too short. Draw more first.", "线条太短，请再多画一些。"
    ),
    "error full": text(
        "{most} pages are open, which is the limit. Try again when one of them has been closed.",
        "已打开 {most} 个页面，达到上限。请等其中一个页面关闭后再试。",
    ),
    "error too fast": text(
        "Too many requests in a short time; some were ignored. Wait a moment and try again.",
        "请求过于频繁，部分请求已被忽略。请稍后再试。",
    ),
    "error broken": text(
        "An error in the playground itself ended this game. Reload the page to play it again.",
        "程序内部出错，本局已结束。刷新页面可重新运行本局。",
    ),
    "error idle": text(
        "The game was closed because there was no request for half an hour. Reload the page to "
        "play it again.",
        "半小时内没有任何请求，本局已关闭。刷新页面可重新运行本局。",
    ),
}
