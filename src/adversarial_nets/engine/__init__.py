"""How updates are computed: autograd, manual backpropagation, threads, processes, precision."""
