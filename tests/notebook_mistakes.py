# ruff: noqa: E501 (a wrong answer and its message on one line)
"""Likely wrong answers to the notebooks' exercises, and words of the message that refuses each.

`MISTAKES[n]` holds, for each exercise of notebook n, the English message by the wrong answer's code.
"""

__all__ = ["MISTAKES"]

UPDATE_D = """def update_D(D, optimiser, x, G_z):
    loss = {loss}
    {zero}
    loss.backward()
    {step}
"""
UPDATE_G = """def update_G(G, D, optimiser, z):
    loss = {loss}
    optimiser.zero_grad()
    loss.backward()
    {step}
"""
LOSS_D = "-value(D(x)[:, 0], D(G_z)[:, 0])"
ZERO, STEP = "optimiser.zero_grad()", "optimiser.step()"

ROUND = """def algorithm_1(D_step, G_step, rounds, k, m):
    for _ in range(rounds):
        x, z = sample_x(m), sample_z(m)
        for _ in range(k):
            D_step({x}, {z})
        G_step({z_of_G})
"""
X, Z = "sample_x(m)", "sample_z(m)"

TRAIN_D = """def train_D(D, steps, m=512):
    optimiser = torch.optim.Adam(D.parameters(), lr=0.005)
    for _ in range(steps):
        loss = {loss}
        optimiser.zero_grad()
        loss.backward()
        {step}
"""

DISTANCE = """def distance(a, p_data, p_g):
    used = {used}
    a, p_data, p_g = a[used], p_data[used], p_g[used]
    D, D_star = 1 / (1 + np.exp(-a)), p_data / (p_data + p_g)
    return {mean}
"""
POSITIVE = "p_data + p_g > 0"

PARZEN = """def log_parzen(x, samples, sigma):
    n, d = samples.shape
    exponents = -(torch.cdist(x, samples) ** {power}) / (2 * sigma**2)
    return exponents.logsumexp(1) {rest}
"""

D_OF_IMAGES = """def my_D(pixels):
    from torch.nn import Identity, LeakyReLU, Linear, ReLU, Sequential, Sigmoid, Flatten
    return Sequential(Linear(pixels, 64), {first}, Linear(64, 64), {second}, Linear(64, 1), {end})
"""
LEAKY, NONE = "LeakyReLU(0.2)", "Identity()"

MISTAKES: dict[int, list[dict[str, str]]] = {
    1: [
        {
            "value = lambda a, b: torch.sigmoid(a).log().mean() + (1 - torch.sigmoid(b)).log().mean()": (
                "Use softplus"
            ),
            "value = lambda a, b: softplus(-a).mean() + softplus(b).mean()": "sign",
            "value = lambda a, b: -softplus(-a).mean() - softplus(-b).mean()": "not log D",
            "value = lambda a, b: None": "`return` was forgotten",
            "value = lambda a, b: -(softplus(-a).mean() + softplus(b).mean()) / np.log(2)": "natural logarithm",
            "value = lambda a, b: a.no_such_method()": "(line 1 of your cell).\nHint: Use softplus",
        },
        {
            UPDATE_D.format(loss=LOSS_D, zero=ZERO, step=""): "Did you call optimiser.step()?",
            UPDATE_D.format(loss=LOSS_D[1:], zero=ZERO, step=STEP): "D descends V",
            UPDATE_D.format(loss=LOSS_D, zero="", step=STEP): "add up",
            UPDATE_D.format(
                loss=LOSS_D, zero="", step=f"{STEP}; {ZERO}"
            ): "Clear the gradient before",
            UPDATE_D.format(loss=f"{LOSS_D} / 2", zero=ZERO, step=STEP): "not −V/2",
            UPDATE_D.format(
                loss="-value(D(G_z)[:, 0], D(x)[:, 0])", zero=ZERO, step=STEP
            ): "x and G_z are exchanged",
        },
        {
            UPDATE_G.format(loss="softplus(-D(G(z))).mean()", step=""): "call optimiser.step()",
            UPDATE_G.format(loss="softplus(-D(z)).mean()", step=STEP): "must be G(z)",
            UPDATE_G.format(loss="softplus(D(G(z))).mean()", step=STEP): "it helps D",
            UPDATE_G.format(loss="-softplus(D(G(z))).mean()", step=STEP): "gradient of log(1",
            UPDATE_G.format(loss="-softplus(-D(G(z))).mean()", step=STEP): "must ascend it",
            UPDATE_G.replace(ZERO, "pass").format(
                loss="softplus(-D(G(z))).mean()", step=STEP
            ): "add up",
            UPDATE_G.format(loss="softplus(-D(G(z))).sum()", step=STEP): "not the sum",
            UPDATE_G.format(
                loss="softplus(-D(G(z).detach())).mean()", step=STEP
            ): "without `.detach()`",
        },
        {
            ROUND.format(x=Z, z=X, z_of_G=Z): "The order is D_step(x, z)",
            ROUND.format(x=X, z="z", z_of_G="z"): "only once per round",
            ROUND.format(x=X, z=f"G({Z})", z_of_G=Z): "Give D_step noise",
            ROUND.format(x=X, z=f"G({Z})", z_of_G=f"G({Z})"): "Give both steps noise",
            ROUND.format(x=X, z=Z, z_of_G=f"G({Z})"): "Give G_step noise",
            ROUND.format(x=X, z=X, z_of_G=Z): "Give D_step noise",
            ROUND.format(x=f"{X} * 1.1", z=Z, z_of_G=Z): "Hint: Each row",
            ROUND.format(x="x", z="z", z_of_G=Z): "x and z are sampled only once",
            ROUND.format(x=X, z=f"(z := {Z})", z_of_G="z"): "new noise for G",
            ROUND.replace("in range(k)", "in range(1)").format(x=X, z=Z, z_of_G=Z): "k times",
            ROUND.format(x="x", z=Z, z_of_G=Z): "new data for each update",
            """def algorithm_1(D_step, G_step, rounds, k, m):
    for _ in range(rounds):
        G_step(sample_z(m))
        for _ in range(k):
            D_step(sample_x(m), sample_z(m))
""": "D comes first",
            """def algorithm_1(D_step, G_step, rounds, k, m):
    x, z = sample_x(m), sample_z(m)
    for _ in range(rounds):
        for _ in range(k):
            D_step(x, z)
        G_step(z)
""": "Sample inside the loops",
        },
        {
            "updates_of_D, updates_of_G, data_points = 12000, 12000, 12000 * 256": "once per round",
            "updates_of_D, updates_of_G, data_points = 4000, 4000, 4000 * 256": "three times",
            "updates_of_D, updates_of_G, data_points = 12000, 4000, 12000": "m = 256",
            "updates_of_D, updates_of_G, data_points = 1, 4000, 12000": "Hint: The numbers are",
        },
    ],
    2: [
        {
            "derivative = lambda y, a, b: a / y + b / (1 - y)": "−1/(1 − y)",
            "derivative = lambda y, a, b: a * np.log(y) + b * np.log(1 - y)": "f itself",
            "derivative = lambda y, a, b: b / y - a / (1 - y)": "exchanged",
        },
        {
            "best_y = lambda a, b: b / (a + b)": "of a sample",
            "best_y = lambda a, b: a / np.maximum(b, 1e-300)": "too large",
            "best_y = lambda a, b: np.where(b > 0, a / np.maximum(b, 0.1), np.inf)": "not y",
        },
        {
            "slope, value_at_0 = 2, -2": "sign",
            "slope, value_at_0 = -2, 4": "slope is right",
            "slope, value_at_0 = -4, 4": "½",
        },
        {
            TRAIN_D.format(
                loss="-value(D(sample_data(m))[:, 0], D(sample_G(m))[:, 0])", step="pass"
            ): ("D did not change"),
            TRAIN_D.format(
                loss="value(D(sample_data(m))[:, 0], D(sample_G(m))[:, 0])", step=STEP
            ): ("Does D ascend V"),
            TRAIN_D.format(
                loss="-value(D(sample_G(m))[:, 0], D(sample_data(m))[:, 0])", step=STEP
            ): ("Do data come first"),
            """def train_D(D, steps, m=16):
    optimiser = torch.optim.Adam(D.parameters(), lr=0.005)
    x, samples = sample_data(m), sample_G(m)
    for _ in range(steps):
        loss = -value(D(x)[:, 0], D(samples)[:, 0])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
""": "Does each update draw new x and samples?",
        },
        {
            "exact_V = lambda a, p, q: -p @ np.logaddexp(0, -a) - q @ np.logaddexp(0, -a)": "log(1 − D)",
            "exact_V = lambda a, p, q: p @ np.logaddexp(0, -a) + q @ np.logaddexp(0, a)": "sign",
            "exact_V = lambda a, p, q: -(np.logaddexp(0, -a) + np.logaddexp(0, a)).sum()": "Weight",
            "exact_V = lambda a, p, q: torch.nn.functional.softplus(a)": "(line 1 of your cell).\nHint: a is the logit",
        },
    ],
    3: [
        {
            "KL = lambda p, q: sum(a * np.log(a / b) for a, b in zip(p, q) if a > 0 and b > 0)": "infinite",
            "KL = lambda p, q: theory.KL(q, p)": "exchanged",
            "KL = lambda p, q: theory.KL(p, q) / np.log(2)": "natural logarithm",
        },
        {
            "JSD = lambda p, q: 2 * theory.JSD(p, q)": "½",
            "JSD = lambda p, q: theory.KL(p, q)": "with m",
            "JSD = lambda p, q: theory.KL((p + q) / 2, p) / 2 + theory.KL((p + q) / 2, q) / 2": "finite",
            "JSD = lambda p, q: theory.KL(p, (p + q) / 2) / 2": "One of the two terms",
            "JSD = lambda p, q: theory.JSD(p, q) / np.log(2)": "natural logarithm",
        },
        {
            "C = lambda p, q: theory.JSD(p, q) - np.log(4)": "½",
            "C = lambda p, q: 2 * theory.JSD(p, q) - np.log(2)": "−log 4",
            "C = lambda p, q: 2 * theory.JSD(p, q)": "missing",
            "C = lambda p, q: 2 * theory.JSD(p, q) + np.log(4)": "sign of the constant",
            "C = lambda p, q: -2 * theory.JSD(p, q) - np.log(4)": "the sign of 2 · JSD",
        },
        {
            "JSD_of_uniforms = lambda d: min(d, 1)": "log 2, not 1",
            "JSD_of_uniforms = lambda d: d * np.log(2)": "cannot exceed",
            "JSD_of_uniforms = lambda d: min(d, 1) * np.log(2) / 2": "Two parts",
        },
        {"std_of_best = 9.25": "variance", "std_of_best = 3.5": "not standard deviations"},
    ],
    4: [
        {
            "density_at_G_of_z = lambda p, s: p / s": "not negative",
            "density_at_G_of_z = lambda p, s: -p / s": "for a falling G only",
            "density_at_G_of_z = lambda p, s: p * abs(s)": "divided",
            "density_at_G_of_z = lambda p, s: p": "of the noise",
        },
        {
            DISTANCE.format(
                used="(p_data > 0) & (p_g > 0)", mean="np.sum(abs(D - D_star) * (p_data + p_g) / 2)"
            ): "only if both",
            DISTANCE.format(
                used=POSITIVE, mean="np.mean(abs(D - D_star) * (p_data + p_g) / 2)"
            ): "the sum, not the mean",
            DISTANCE.format(used=POSITIVE, mean="np.mean(abs(D - D_star))"): "Weight each cell",
            DISTANCE.format(
                used=POSITIVE, mean="np.sum(abs(a - D_star) * (p_data + p_g) / 2)"
            ): "logit",
        },
        {
            "JSD_from_C = lambda C: C + np.log(4)": "Divide by 2",
            "JSD_from_C = lambda C: (C - np.log(4)) / 2": "add log 4",
        },
        {
            "panel_b = lambda moved, distance: np.argmin(distance[moved <= 0.02])": "shortened array",
            "panel_b = lambda moved, distance: np.argmin(distance)": "p_g has moved there",
            "panel_b = lambda moved, distance: np.argmin(np.where(moved < 0.02, distance, 9))": "at most 0.02",
            "panel_b = lambda moved, distance: distance[moved <= 0.02].min()": "not the distance",
        },
    ],
    5: [
        {
            "slope_minimax, slope_non_saturating = lambda D: -D, lambda D: 1 - D": "slope_minimax is right",
            "slope_minimax, slope_non_saturating = lambda D: D, lambda D: D - 1": (
                "slope_non_saturating is right"
            ),
            "slope_minimax, slope_non_saturating = lambda D: D - 1, lambda D: -D": "exchanged",
        },
        {
            "ratio, equal_at_D = lambda a: torch.exp(a), 0.5": "inverse",
            "ratio, equal_at_D = lambda a: torch.exp(-a), 0.0": "ratio is right",
        },
        {
            """def gradient(d, z, loss):
    theta = torch.tensor(d, dtype=z.dtype, requires_grad=True)
    return torch.autograd.grad(loss(-theta * (z + theta) + theta**2 / 2).mean(), theta)[0]
""": "D is fixed",
            """def gradient(d, z, loss):
    theta = torch.tensor(d, dtype=z.dtype, requires_grad=True)
    return torch.autograd.grad(loss(-d * (z + theta) + d**2 / 2).sum(), theta)[0]
""": "not the sum",
        },
        {
            "log_1_minus_D = lambda a: torch.log(1 - torch.sigmoid(a))": "rounded to 1",
            "log_1_minus_D = lambda a: torch.log(1 - torch.sigmoid(a) + 1e-8)": "small number",
            "log_1_minus_D = lambda a: torch.nn.functional.softplus(a)": "sign",
        },
    ],
    6: [
        {
            """def step(psi, theta, lr):
    psi = psi - lr * theta / (1 + np.exp(-psi * theta))
    return psi, theta + lr * psi / (1 + np.exp(-psi * theta))
""": "Use the old ψ",
            """def step(psi, theta, lr):
    s = 1 / (1 + np.exp(-psi * theta))
    psi = psi - lr * s * theta
    return psi, theta + lr * s * psi
""": "moves by the old ψ",
            """def step(psi, theta, lr):
    s = 1 / (1 + np.exp(-psi * theta))
    return psi - lr * s * theta, theta - lr * s * psi
""": "G must descend",
        },
        {
            "growth = lambda s, lr: 1.0": "tangent",
            "growth = lambda s, lr: 1 + lr * s": "mixed terms",
            "growth = lambda s, lr: np.sqrt(1 + (lr * s) ** 2)": "of its square",
        },
        {
            """def step_with_R1(psi, theta, lr, gamma=0.3):
    s = 1 / (1 + np.exp(-psi * theta))
    return psi - lr * (s * theta - gamma * psi), theta + lr * s * psi
""": "larger",
            """def step_with_R1(psi, theta, lr, gamma=0.3):
    s = 1 / (1 + np.exp(-psi * theta))
    return psi - lr * (s * theta + gamma * psi / 2), theta + lr * s * psi
""": "is γψ",
        },
        {
            "penalty = lambda x, a: torch.autograd.grad(a.sum(), x, create_graph=True)[0].square().sum(1).mean()": (
                "½"
            ),
            "penalty = lambda x, a: torch.autograd.grad(a.sum(), x, create_graph=True)[0].square().mean() / 2": (
                "over the coordinates"
            ),
            "penalty = lambda x, a: torch.autograd.grad(a.mean(), x, create_graph=True)[0]"
            ".square().sum(1).mean() / 2": "gradient of each logit",
            "penalty = lambda x, a: torch.autograd.grad(a.sum(), x)[0].square().sum(1).mean() / 2": (
                "The penalty has no gradient. Use create_graph=True."
            ),
            "penalty = lambda x, a: torch.autograd.grad(a.sum(), x, retain_graph=True)[0]"
            ".square().sum(1).mean() / 2": "The penalty has no gradient. Use create_graph=True.",
            "penalty = lambda x, a: torch.autograd.grad(a.sum(), x, create_graph=True)[0]"
            ".square().sum(1).mean().detach().item() / 2": "The penalty has no gradient",
            """def penalty(x, a):
    a.sum().backward()
    return x.grad.square().sum(1).mean() / 2
""": "The penalty has no gradient",
            "penalty = lambda x, a: torch.autograd.grad(a.sum(), x)[0].square().sum(1).mean()": (
                "½ is missing, and the penalty has no gradient"
            ),
            "penalty = lambda x, a: torch.autograd.grad(a.sum(), x, create_graph=True)[0].square().sum(1) / 2": (
                "the penalty is one number"
            ),
            "penalty = lambda x, a: torch.autograd.grad(a.sum(), x, create_graph=True)[0].norm(dim=1).mean() / 2": (
                "Square the gradient's length"
            ),
            # The right number; half of the gradient is missing.
            """def penalty(x, a):
    slopes = torch.autograd.grad(a.sum(), x, create_graph=True)[0]
    return (slopes * slopes.detach()).sum(1).mean() / 2
""": "position 1",
        },
        {
            "relativistic_d_loss = lambda x, g: softplus(x - g).mean()\n"
            "relativistic_g_loss = lambda x, g: softplus(g - x).mean()": "exchanged",
            "relativistic_d_loss = lambda x, g: softplus(g - x).sum()\n"
            "relativistic_g_loss = lambda x, g: softplus(x - g).sum()": "not the sum",
        },
    ],
    7: [
        {
            "d_loss_at_solution, g_loss_at_solution = np.log(4), -np.log(2)": "G's loss is",
            "d_loss_at_solution, g_loss_at_solution = -np.log(4), np.log(2)": "D's loss is",
            "d_loss_at_solution, g_loss_at_solution = 0, 0": "do not go to 0",
        },
        {
            "accuracy = lambda a, b: ((a > 0.5).float().mean() + (b < 0.5).float().mean()) / 2": "logits",
            "accuracy = lambda a, b: ((a > 0).float().mean() + (b > 0).float().mean()) / 2": "if D < ½",
            "accuracy = lambda a, b: ((a > 0).sum() + (b < 0).sum()) / 8": "half each",
        },
        {
            "best_round = lambda rows, weights: min(rows, key=lambda row: row['g_loss'])['round']": (
                "small loss"
            ),
            "best_round = lambda rows, weights: rows[-1]['round']": "last score",
        },
        {
            "nearest = lambda x, images: list(torch.cdist(x, images).min(1))": "index first",
            "nearest = lambda x, images: list(torch.cdist(x, images, p=1).min(1)[::-1])": "L1",
        },
        {
            "straight_line = lambda z_0, z_1, points: torch.lerp(z_1, z_0, torch.linspace(0, 1, points)[:, None])": "reversed",
            "straight_line = lambda a, b, points: a + torch.arange(points)[:, None] / points * (b - a)": "both ends",
        },
    ],
    8: [
        {
            PARZEN.format(
                power=2, rest="- d * np.log(sigma * np.sqrt(2 * np.pi))"
            ): "subtract log n",
            PARZEN.format(power=2, rest="- np.log(n)"): "is missing",
            PARZEN.format(power=1, rest="- np.log(n) - d * np.log(sigma * np.sqrt(2 * np.pi))"): (
                "squared distance"
            ),
        },
        {
            """def parzen(samples, valid, test, grid):
    on_test = log_likelihood(test, samples, grid).mean(1)
    return grid[on_test.argmax()], on_test.max()
""": "on the test images",
            """def parzen(samples, valid, test, grid):
    sigma = grid[log_likelihood(valid, samples, grid).mean(1).argmin()]
    return sigma, log_likelihood(test, samples, [sigma]).mean()
""": "not the smallest",
            """def parzen(samples, valid, test, grid):
    index = log_likelihood(valid, samples, grid).mean(1).argmax()
    return index, log_likelihood(test, samples, [grid[index]]).mean()
""": "not its index",
        },
        {
            "true_log_likelihood = lambda d: -d / 2 * np.log(2 * np.pi)": "−x²/2",
            "true_log_likelihood = lambda d: d / 2 * (1 + np.log(2 * np.pi))": "sign",
        },
        {
            "my_samples = lambda x: x": "Change them",
            "my_samples = lambda x: torch.cat([x, x])": "At most n",
            "my_samples = lambda x: x.mean(0)[None]": "Hint: Peaks",
            "my_samples = lambda x: x.numpy()": "Change them",
            # In place: the notebook's images must stay as they are, or the solution is refused.
            "my_samples = lambda x: x.mul_(0)": "Hint: Peaks",
        },
    ],
    9: [
        {
            "with_class = lambda z, c: torch.cat([z, torch.nn.functional.one_hot(c)], 1)": "one_hot(c, 10)",
            "with_class = lambda z, c: torch.cat([z, c[:, None]], 1)": "ten values",
            "with_class = lambda z, c: torch.cat([torch.eye(10)[c], z], 1)": "z comes first",
        },
        {
            "D_of_x, D_of_x_and_c = p_g.sum(1) / (p_data + p_g).sum(1), p_g / (p_data + p_g)": "its share",
            "D_of_x, D_of_x_and_c = [0.5] * 3, [0.5] * 3": "D_of_x is right",
            "D_of_x, D_of_x_and_c = [0.5] * 3, [0.5] * 6": "is not ½ everywhere",
            "D_of_x, D_of_x_and_c = [p_data / (p_data + p_g)] * 2": "first sum",
            "D_of_x, D_of_x_and_c = [0.5] * 3, (p_data / (p_data + p_g)).T": "transposed",
            "D_of_x, D_of_x_and_c = p_data.sum(0) / (p_data + p_g).sum(0), p_data / (p_data + p_g)": "axis 1",
        },
        {
            "squared_distance = lambda x, y, m: (x - y).square().sum(1)": "counts the pixels",
            "squared_distance = lambda x, y, m: (m * (x - y)).norm(dim=1)": "no root",
            "squared_distance = lambda x, y, m: (m * (x - y)).square().sum()": "each image",
        },
        {
            "encoder_loss = lambda E, G, z: (z - E(z)).square().mean()": "apply G first",
            "encoder_loss = lambda E, G, z: (z - G(E(z))).square().mean()": "This is G(E(z))",
            "encoder_loss = lambda E, G, z: (G(z) - E(G(z))).square().mean()": "not with G(z)",
            "encoder_loss = lambda E, G, z: (z - E(G(z))).square().sum()": "not the sum",
        },
        {
            "d_logit = lambda l: torch.log(torch.exp(l).sum(1))": "too large a number",
            "d_logit = lambda l: l.max(1).values": "largest logit",
            "d_logit = lambda l: torch.sigmoid(torch.logsumexp(l, 1))": "This is D(x)",
        },
    ],
    10: [
        {
            """def central_square(image):
    height, width = image.shape[:2]
    left = max(0, (width - height) // 2)
    return image[:, left : left + height]
""": "tall one is not cut",
            "central_square = lambda image: image[: min(image.shape[:2]), : min(image.shape[:2])]": "central one",
            "central_square = lambda image: image": "Nothing is cut",
        },
        {
            "weights_of_G = lambda h, p: 100 * h + h * p": "between the two hidden layers",
            "weights_of_G = lambda h, p: 100 * h + h * h + h * p + 2 * h + p": "biases",
        },
        {
            "rounds_for = lambda epochs, images, m=100: epochs * images // m": "not down",
            "rounds_for = lambda epochs, images, m=100: round(epochs * images / m)": "not down",
            "rounds_for = lambda epochs, images, m=100: epochs * int(np.ceil(images / m))": "whole number",
        },
        {
            "diversity = lambda s, x: x.var(0).mean() / s.var(0).mean()": "is inverted",
            "diversity = lambda s, x: s.var() / x.var()": "pixel by pixel",
            "diversity = lambda s, x: s.std(0).mean() / x.std(0).mean()": "Take variances",
            "diversity = lambda s, x: (s.var(0) / x.var(0)).mean()": "First average over the pixels",
            "diversity = lambda s, x: (s.std(0).mean() / x.std(0).mean()) ** 2": "not the standard deviations",
        },
        {
            D_OF_IMAGES.format(first=LEAKY, second=LEAKY, end="Sigmoid()"): "Leave out the sigmoid",
            D_OF_IMAGES.format(first=NONE, second=NONE, end=NONE): "linear",
            D_OF_IMAGES.format(
                first=LEAKY, second=NONE, end=NONE
            ): "after the second hidden layer is missing",
            D_OF_IMAGES.format(
                first=NONE, second=LEAKY, end=NONE
            ): "after the first hidden layer is missing",
            D_OF_IMAGES.format(first="ReLU()", second="ReLU()", end=NONE): "not nn.ReLU()",
            D_OF_IMAGES.format(
                first=LEAKY, second="ReLU()", end=NONE
            ): "after the second hidden layer must be",
            D_OF_IMAGES.format(
                first="ReLU()", second=LEAKY, end=NONE
            ): "after the first hidden layer must be",
            D_OF_IMAGES.format(first="LeakyReLU()", second="LeakyReLU()", end=NONE): "slope",
            D_OF_IMAGES.format(
                first=LEAKY, second=LEAKY, end=LEAKY
            ): "the activation after the output",
            D_OF_IMAGES.format(first=LEAKY, second=LEAKY, end="ReLU()"): "or else -1",
            D_OF_IMAGES.format(first=LEAKY, second=LEAKY, end="Flatten(0)"): "not (m,)",
        },
    ],
}
