"""Table 1 (§5): every model fitted, sampled and scored in the same way.

    OUT/DATA/ROW-SEED/            the run folder of one row (see `adversarial_nets.runs`), with
        score-GRID.json           the row's results: scores, times, how it was made
        MODEL-figure2.png         samples with their nearest training images, as in Figure 2
        MODEL-samples.png         ten samples
        MODEL-path.png            ten steps of its Markov chain, or images along a line in z
    OUT/table1.txt, .json, .html  the table
    OUT/DATA-samples.png          the samples of all models on one data set
    OUT/DATA-path.png             their paths

`table1` makes the rows that are not recorded yet, and resumes a fit that was interrupted. All
choices are made on validation images. Test images are used once, for the final score. One exception
are data with folds, e.g. TFD with five: σ is chosen in each fold, but checkpoints and the choices
of `tune` use the first fold's validation images, and some of these are test images of other folds.

Modules: `make` (the whole table), `rows` (one row), `pictures`, `text` (the output files), `record`
(reading and writing results; imports no torch).
"""

from typing import TYPE_CHECKING

from adversarial_nets.lazy_names import lazy_names

if TYPE_CHECKING:
    from adversarial_nets.paper.table1.make import table1
    from adversarial_nets.paper.table1.record import NAMES, Result, Table, recorded
    from adversarial_nets.paper.table1.text import as_text

__all__ = ["NAMES", "Result", "Table", "as_text", "recorded", "table1"]

# Imported on first use, so that reading recorded results does not import torch.
__getattr__, __dir__ = lazy_names(
    __name__, {"make": "table1", "record": "NAMES Result Table recorded", "text": "as_text"}
)
