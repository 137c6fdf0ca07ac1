"""Benchmarks: speed against other programs, memory, and how both scale.

* `speed`: times of our code as ratios to the machine's limit, to JAX and to common programs.
* `scaling`: time and memory against batch size, width, data and samples.
* `playground`: frames, rounds and clicks of the playground, alone and with many visitors.
* `records`: the results as text, and as files on request.
* `textbook`, `with_jax`: the programs to compare with. `workloads`, `memory`: child processes.
"""
