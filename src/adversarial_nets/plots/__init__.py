"""Plots: curves of metrics (`curves`), grids of images (`sheets`), and their style (`style`).

`interpolation` makes the images of Figure 3; the other modules draw.
"""
