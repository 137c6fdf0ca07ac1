"""How updates are computed: by autograd or by hand, in threads and processes, in which precision."""
