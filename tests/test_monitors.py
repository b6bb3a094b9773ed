"""Names of logged numbers: spellings that find each other, and the way in which they improve."""

from __future__ import annotations

import pytest

from jtf.monitors import logged_name, rises

LOGS = [
    *("loss", "acc", "binaryAccuracy", "mse", "mean_absolute_error", "ce", "r2Score", "root_mean_squared_error"),
    *("val_loss", "val_acc", "val_binaryAccuracy", "val_mse", "val_mean_absolute_error", "val_ce", "val_r2Score"),
    *("val_meanIoU", "val_dense_Dense1_acc", "val_topKCategoricalAccuracy", "val_acc_0", "val_cosine"),
]


@pytest.mark.parametrize(
    ("monitor", "found"),
    [
        *((name, name) for name in LOGS),
        ("accuracy", "acc"),
        ("val_accuracy", "val_acc"),
        ("valAcc", "val_acc"),
        ("valLoss", "val_loss"),
        ("val_binary_accuracy", "val_binaryAccuracy"),
        ("val_binary_acc", "val_binaryAccuracy"),
        ("val_crossentropy", "val_ce"),
        ("val_mean_squared_error", "val_mse"),
        ("val_meanSquaredError", "val_mse"),
        ("val_mae", "val_mean_absolute_error"),
        ("val_r2_score", "val_r2Score"),
        ("val_R2Score", "val_r2Score"),
        ("rmse", "root_mean_squared_error"),
        ("val_mean_io_u", "val_meanIoU"),
        ("val_mean_iou", "val_meanIoU"),
        ("val_dense_dense1_accuracy", "val_dense_Dense1_acc"),
        ("val_top_k_categorical_accuracy", "val_topKCategoricalAccuracy"),
        ("val_accuracy_0", "val_acc_0"),
        ("val_cosine_proximity", "val_cosine"),
        ("val_categorical_accuracy", None),
        ("val_rmse", None),
        ("val_accuracy_1", None),
        ("accurate", None),
        ("", None),
    ],
)
def test_a_monitor_is_found_in_any_spelling(monitor, found):
    assert logged_name(monitor, LOGS) == found


def test_the_name_itself_comes_first():
    assert logged_name("accuracy", ["acc", "accuracy"]) == "accuracy"


#: The names and directions of Keras 3's metrics.
RISING = (
    "auc accuracy binary_accuracy binary_io_u categorical_accuracy concordance_correlation cosine_similarity f1_score "
    "fbeta_score io_u mean_io_u one_hot_io_u one_hot_mean_io_u pearson_correlation precision precision_at_recall "
    "r2_score recall recall_at_precision sensitivity_at_specificity sparse_categorical_accuracy "
    "sparse_top_k_categorical_accuracy specificity_at_sensitivity top_k_categorical_accuracy"
).split()
FALLING = (
    "loss binary_crossentropy categorical_crossentropy categorical_hinge hinge kl_divergence logcosh "
    "mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error poisson "
    "root_mean_squared_error sparse_categorical_crossentropy squared_hinge"
).split()


@pytest.mark.parametrize("prefix", ["", "val_", "val_head_", "val_layer2_", "val_accuracy_of_"])
def test_directions_are_those_of_keras(prefix):
    assert [name for name in RISING if rises(prefix + name) is not True] == []
    assert [name for name in FALLING if rises(prefix + name) is not False] == []


@pytest.mark.parametrize(
    ("monitor", "expected"),
    [
        ("val_acc", True),
        ("valAcc", True),
        ("auc_1", True),
        ("acc5", True),
        ("top5", True),
        ("meanIoU", True),
        ("val_dice", True),
        ("val_dice_loss", False),
        ("accuracy_loss", False),
        ("val_face_loss", False),
        # A word that only has "acc", "auc", "r2" or "iou" in it is none of them.
        ("val_layer2_mse", False),
        ("sauce_mse", False),
        ("various_mae", False),
        ("cosine", False),  # minus the cosine, in TF.js and here
        ("false_positives", False),
        ("true_positives", True),
        ("rating", None),
        ("face", None),
    ],
)
def test_directions_of_other_names(monitor, expected):
    assert rises(monitor) is expected
