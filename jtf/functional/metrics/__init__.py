"""What models are judged by: functions of ``(y_true, y_pred)``, and metrics of whole data sets.

Each snake_case name does both: ``auc(y_true, y_pred)`` is a number, and ``auc(num_thresholds=500)`` is a `Metric` for
`compile`, which takes the name alone as well: ``metrics=["accuracy", jtf.metrics.auc, "precision"]``.

Accuracies and losses give one number for each sample, in the shape ``[...]`` of inputs ``[..., n]``, and the metric is
their mean. All others look at all samples of an epoch together. Results are float32, or the loss's dtype.

    metric      Metric, the mean of a function, and how metrics are called
    accuracies  per sample
    confusion   counts at a threshold, precision, recall, F-scores
    curves      counts at many thresholds: AUC, precision at recall and the like
    regression  RMSE, R2
    iou         intersection over union

References:
    TF.js: tfjs-layers/src/metrics.ts; Keras: keras.metrics
"""

from jtf.functional import losses as _losses
from jtf.functional.metrics import accuracies as _accuracies
from jtf.functional.metrics.confusion import F1Score as F1Score
from jtf.functional.metrics.confusion import FalseNegatives as FalseNegatives
from jtf.functional.metrics.confusion import FalsePositives as FalsePositives
from jtf.functional.metrics.confusion import FBetaScore as FBetaScore
from jtf.functional.metrics.confusion import Precision as Precision
from jtf.functional.metrics.confusion import Recall as Recall
from jtf.functional.metrics.confusion import TrueNegatives as TrueNegatives
from jtf.functional.metrics.confusion import TruePositives as TruePositives
from jtf.functional.metrics.confusion import f1_score as f1_score
from jtf.functional.metrics.confusion import false_negatives as false_negatives
from jtf.functional.metrics.confusion import false_positives as false_positives
from jtf.functional.metrics.confusion import fbeta_score as fbeta_score
from jtf.functional.metrics.confusion import precision as precision
from jtf.functional.metrics.confusion import recall as recall
from jtf.functional.metrics.confusion import true_negatives as true_negatives
from jtf.functional.metrics.confusion import true_positives as true_positives
from jtf.functional.metrics.curves import AUC as AUC
from jtf.functional.metrics.curves import PrecisionAtRecall as PrecisionAtRecall
from jtf.functional.metrics.curves import RecallAtPrecision as RecallAtPrecision
from jtf.functional.metrics.curves import SensitivityAtSpecificity as SensitivityAtSpecificity
from jtf.functional.metrics.curves import SpecificityAtSensitivity as SpecificityAtSensitivity
from jtf.functional.metrics.curves import auc as auc
from jtf.functional.metrics.curves import precision_at_recall as precision_at_recall
from jtf.functional.metrics.curves import recall_at_precision as recall_at_precision
from jtf.functional.metrics.curves import sensitivity_at_specificity as sensitivity_at_specificity
from jtf.functional.metrics.curves import specificity_at_sensitivity as specificity_at_sensitivity
from jtf.functional.metrics.iou import BinaryIoU as BinaryIoU
from jtf.functional.metrics.iou import IoU as IoU
from jtf.functional.metrics.iou import MeanIoU as MeanIoU
from jtf.functional.metrics.iou import binary_iou as binary_iou
from jtf.functional.metrics.iou import iou as iou
from jtf.functional.metrics.iou import mean_iou as mean_iou
from jtf.functional.metrics.metric import Mean as Mean
from jtf.functional.metrics.metric import Metric as Metric
from jtf.functional.metrics.metric import averaged as _averaged
from jtf.functional.metrics.regression import R2Score as R2Score
from jtf.functional.metrics.regression import RootMeanSquaredError as RootMeanSquaredError
from jtf.functional.metrics.regression import r2_score as r2_score
from jtf.functional.metrics.regression import root_mean_squared_error as root_mean_squared_error

binary_accuracy = _averaged(_accuracies.binary_accuracy)
categorical_accuracy = _averaged(_accuracies.categorical_accuracy)
sparse_categorical_accuracy = _averaged(_accuracies.sparse_categorical_accuracy)
top_k_categorical_accuracy = _averaged(_accuracies.top_k_categorical_accuracy)
sparse_top_k_categorical_accuracy = _averaged(_accuracies.sparse_top_k_categorical_accuracy)
binary_crossentropy = _averaged(_losses.binary_crossentropy)
categorical_crossentropy = _averaged(_losses.categorical_crossentropy)
sparse_categorical_crossentropy = _averaged(_losses.sparse_categorical_crossentropy)
categorical_hinge = _averaged(_losses.categorical_hinge)
cosine_proximity = _averaged(_losses.cosine_proximity)
hinge = _averaged(_losses.hinge)
squared_hinge = _averaged(_losses.squared_hinge)
kullback_leibler_divergence = _averaged(_losses.kullback_leibler_divergence)
logcosh = _averaged(_losses.logcosh)
mean_absolute_error = _averaged(_losses.mean_absolute_error)
mean_absolute_percentage_error = _averaged(_losses.mean_absolute_percentage_error)
mean_squared_error = _averaged(_losses.mean_squared_error)
mean_squared_logarithmic_error = _averaged(_losses.mean_squared_logarithmic_error)
poisson = _averaged(_losses.poisson)
