"""§7, future work: the paper's five extensions, one module for each."""
