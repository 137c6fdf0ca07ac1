"""§7, future work: the paper's five extensions, one module each."""
