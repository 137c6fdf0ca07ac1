"""Fast updates, threads, processes and precision of a training; none of them is in the paper."""
