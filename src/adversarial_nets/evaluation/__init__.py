"""Evaluation of generators: Parzen log-likelihood (Table 1), calibration rows, feature metrics.

Names are imported on first use (PEP 562), so that modules without torch, such as
`evaluation.published`, can be imported without it.
"""

from typing import TYPE_CHECKING

from adversarial_nets.lazy_names import lazy_names

if TYPE_CHECKING:
    from adversarial_nets.evaluation.calibration import CalibrationRow, calibrate
    from adversarial_nets.evaluation.compare_images import ImageMeasures, measure_images
    from adversarial_nets.evaluation.features import Classifier, classifier
    from adversarial_nets.evaluation.measure_run import Measurement, measure
    from adversarial_nets.evaluation.measures import FeatureMetrics, compare_features
    from adversarial_nets.evaluation.nearest import nearest_images
    from adversarial_nets.evaluation.parzen import (
        GRIDS,
        ParzenScore,
        Samples,
        log_likelihood,
        parzen_score,
        parzen_score_on,
    )
    from adversarial_nets.evaluation.published import PUBLISHED, PublishedScore
    from adversarial_nets.evaluation.score import Evaluation, evaluate

__all__ = [
    "GRIDS",
    "PUBLISHED",
    "CalibrationRow",
    "Classifier",
    "Evaluation",
    "FeatureMetrics",
    "ImageMeasures",
    "Measurement",
    "ParzenScore",
    "PublishedScore",
    "Samples",
    "calibrate",
    "classifier",
    "compare_features",
    "evaluate",
    "log_likelihood",
    "measure",
    "measure_images",
    "nearest_images",
    "parzen_score",
    "parzen_score_on",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "calibration": "CalibrationRow calibrate",
        "compare_images": "ImageMeasures measure_images",
        "features": "Classifier classifier",
        "measure_run": "Measurement measure",
        "measures": "FeatureMetrics compare_features",
        "nearest": "nearest_images",
        "parzen": "GRIDS ParzenScore Samples log_likelihood parzen_score parzen_score_on",
        "published": "PUBLISHED PublishedScore",
        "score": "Evaluation evaluate",
    },
)
