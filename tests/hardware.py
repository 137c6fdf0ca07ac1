"""What this machine's processor does, measured."""

import torch

from adversarial_nets.engine.precision import bfloat16_products


def rounds_to_bfloat16() -> bool:
    """Whether `bfloat16_products` rounds the inputs of a product on this CPU.

    ``torch.cpu`` reports bfloat16 instructions, but oneDNN may still compute in float32. So one
    product is compared: 1 + 2⁻⁹ is exact in float32 and rounds to 1 in bfloat16.
    """
    x = torch.full((64, 64), 1 + 2**-9)
    with bfloat16_products(torch.device("cpu")):
        return not torch.equal(x @ torch.eye(64), x)
