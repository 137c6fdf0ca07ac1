"""Section 4 of the paper in float64: D*, V, C(G), KL and JSD, and a check of each statement."""
