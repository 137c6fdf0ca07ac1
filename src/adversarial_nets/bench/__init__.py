"""How fast, how much memory, and how both grow: measurements that anyone can repeat.

* `ratios`: our times against what the machine could do and what people use, side by side.
* `growth`: time and memory as the batch, the nets, the data and the samples grow.
* `textbook`, `with_jax`: the peers, written for the purpose.
"""

from adversarial_nets.bench.growth import Growth, growth
from adversarial_nets.bench.ratios import Bench, Ratio, bench

__all__ = ["Bench", "Growth", "Ratio", "bench", "growth"]
