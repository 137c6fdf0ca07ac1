"""Reproductions of the paper: its figures, tables, remarks and claims, one module for each."""
