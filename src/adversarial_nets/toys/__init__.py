"""Games on one- and two-dimensional data, whose true densities are known."""
