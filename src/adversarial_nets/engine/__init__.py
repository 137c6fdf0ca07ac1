"""How updates are computed: by autograd or by hand; threads, processes, precision."""
