"""The published nets: shapes, initial weights, maxout, dropout."""

import torch
from torch import Tensor, nn

from adversarial_nets import nets
from adversarial_nets.layers import Dropout, Maxout, address_dropout, evaluation_mode
from adversarial_nets.random import Address
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings


def test_published_mnist_nets() -> None:
    G = nets.generator(GeneratorSettings(), 100, 784)
    D = nets.discriminator(DiscriminatorSettings(), 784)
    weights_G = [tuple(p.shape) for p in G.parameters() if p.ndim == 2]
    weights_D = [tuple(p.shape) for p in D.parameters() if p.ndim == 2]
    assert weights_G == [(1200, 100), (1200, 1200), (784, 1200)]
    assert weights_D == [(1200, 784), (1200, 240), (1, 240)]
    for net, r in ((G, 0.05), (D, 0.005)):
        for p in net.parameters():
            if p.ndim == 2:
                assert p.abs().max() <= r
                # A uniform on [−r, r] has standard deviation r/√3.
                assert abs(p.std().item() / (r / 3**0.5) - 1) < (0.02 if p.numel() > 1e4 else 0.2)
            else:
                assert not p.any()
    assert [layer.keep_prob for layer in D if isinstance(layer, Dropout)] == [0.8, 0.5, 0.5]


def test_maxout_is_the_maximum_of_adjacent_pieces() -> None:
    layer = Maxout(6, 4, 3).double()
    x = torch.randn(5, 6, dtype=torch.float64)
    linear = x @ layer.weight.T + layer.bias
    for unit in range(4):
        expected = linear[:, 3 * unit : 3 * unit + 3].max(1).values
        torch.testing.assert_close(layer(x)[:, unit], expected)


def test_maxout_gradient() -> None:
    torch.manual_seed(0)  # (numerical gradients need pieces that do not nearly tie)
    layer = Maxout(3, 2, 4).double()
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)


def _dropped(keep: float, step: int = 0, rows: range = range(4000)) -> Tensor:
    net = nn.Sequential(Dropout(keep))
    address_dropout(net, Address(0, step, rows), "test")
    x: Tensor = net(torch.ones(len(rows), 20))
    return x


def test_dropout_keeps_and_rescales() -> None:
    for keep in (0.8, 0.5):
        x = _dropped(keep)
        assert set(x.unique().tolist()) == {0.0, torch.tensor(1 / keep).item()}
        assert abs(x.mean().item() - 1) < 0.02


def test_dropout_masks_are_addressed() -> None:
    assert torch.equal(_dropped(0.5), _dropped(0.5))
    assert not torch.equal(_dropped(0.5), _dropped(0.5, step=1))
    assert torch.equal(_dropped(0.5, rows=range(10, 20)), _dropped(0.5)[10:20])


def test_dropout_is_off_in_evaluation() -> None:
    net = nn.Sequential(Dropout(0.5)).eval()
    address_dropout(net, Address(0, 0, range(3)), "test")
    assert torch.equal(net(torch.ones(3, 2)), torch.ones(3, 2))


def test_start_at_marginals_makes_the_mean_image() -> None:
    train = torch.randint(0, 256, (300, 12), dtype=torch.uint8)
    train[:, 0] = 0
    G = nets.generator(GeneratorSettings(hidden=(5,), init=(0.0,)), 3, 12)
    nets.start_at_marginals(G, train)
    mean = (train.double() / 255).mean(0).clamp(1e-7, 1 - 1e-7).float()
    torch.testing.assert_close(G(torch.randn(1, 3))[0], mean, rtol=1e-4, atol=1e-8)


def test_start_at_marginals_of_a_deconvolution() -> None:
    """Its biases are one for each pixel, so it starts at the mean image too."""
    train = torch.tensor([[0] * 64, [255] * 32 + [51] * 32], dtype=torch.uint8)
    settings = GeneratorSettings(hidden=(8,), init=(0.0,), deconvolution=True)
    G = nets.generator(settings, 3, 64, image_shape=(1, 8, 8))
    nets.start_at_marginals(G, train)
    mean = torch.tensor([0.5] * 32 + [0.1] * 32)
    torch.testing.assert_close(G(torch.ones(1, 3))[0], mean)


def test_after_evaluation_each_module_has_its_own_mode_again() -> None:
    net = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2).eval())  # statistics that are frozen
    with evaluation_mode(net):
        assert not any(module.training for module in net.modules())
    assert [module.training for module in net.modules()] == [True, True, False]
