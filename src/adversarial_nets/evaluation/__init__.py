"""Measures of a generative model: the Parzen-window score of Table 1 and what puts it in place."""

from adversarial_nets.evaluation.calibration import CalibrationRow, calibrate
from adversarial_nets.evaluation.nearest import nearest
from adversarial_nets.evaluation.parzen import (
    GRIDS,
    ParzenScore,
    Progress,
    Samples,
    log_likelihood,
    parzen,
)
from adversarial_nets.evaluation.published import PUBLISHED, PublishedScore
from adversarial_nets.evaluation.score import Evaluation, evaluate

__all__ = [
    "GRIDS",
    "PUBLISHED",
    "CalibrationRow",
    "Evaluation",
    "ParzenScore",
    "Progress",
    "PublishedScore",
    "Samples",
    "calibrate",
    "evaluate",
    "log_likelihood",
    "nearest",
    "parzen",
]
