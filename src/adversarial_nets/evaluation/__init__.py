"""Measures of a generative model: the Parzen-window score of Table 1 and what puts it in place."""

from adversarial_nets.evaluation.calibration import CalibrationRow, calibrate
from adversarial_nets.evaluation.features import Classifier, classifier
from adversarial_nets.evaluation.measures import Measured, Measures, compare, measure
from adversarial_nets.evaluation.nearest import nearest
from adversarial_nets.evaluation.parzen import (
    GRIDS,
    ParzenScore,
    Samples,
    log_likelihood,
    parzen,
    parzen_on,
)
from adversarial_nets.evaluation.published import PUBLISHED, PublishedScore
from adversarial_nets.evaluation.score import Evaluation, evaluate

__all__ = [
    "GRIDS",
    "PUBLISHED",
    "CalibrationRow",
    "Classifier",
    "Evaluation",
    "Measured",
    "Measures",
    "ParzenScore",
    "PublishedScore",
    "Samples",
    "calibrate",
    "classifier",
    "compare",
    "evaluate",
    "log_likelihood",
    "measure",
    "nearest",
    "parzen",
    "parzen_on",
]
