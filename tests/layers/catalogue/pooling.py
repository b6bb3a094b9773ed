"""Rows of the pooling layers."""

from __future__ import annotations

from tests.layers.catalogue.row import Row

FIRST = {"data_format": "channelsFirst"}

ROWS: list[Row] = [
    Row("max-pooling1d", "max_pooling1d", {}, (5, 2), (), ((None, 2),)),
    Row("max-pooling1d-same", "max_pool1d", {"pool_size": 3, "strides": 1, "padding": "same", **FIRST}, (2, 5)),
    Row("max-pooling2d", "max_pooling2d", {}, (4, 5, 2), (), ((None, None, 2),)),
    Row("max-pooling2d-same", "max_pool2d", {"pool_size": 3, "strides": (2, 1), "padding": "same"}, (4, 5, 1)),
    Row("max-pooling2d-large", "max_pooling2d", {"pool_size": [4, 3], "strides": 1, **FIRST}, (1, 5, 4)),
    Row("max-pooling3d", "max_pooling3d", {"pool_size": [1, 2, 2]}, (2, 2, 3, 1), (), ((None, 2, 3, 1),)),
    Row("max-pooling3d-same", "max_pooling3d", {"strides": 1, "padding": "same", **FIRST}, (1, 2, 2, 2)),
    Row("average-pooling1d", "average_pooling1d", {"pool_size": [3], "strides": 2}, (5, 2), (), ((None, 2),)),
    Row("average-pooling1d-same", "avg_pooling1d", {"padding": "same", **FIRST}, (2, 5)),
    Row("average-pooling2d", "average_pooling2d", {"pool_size": [1, 2]}, (3, 4, 2), (), ((None, 4, 2),)),
    Row("average-pooling2d-same", "avg_pool2d", {"pool_size": [4, 3], "strides": 1, "padding": "same"}, (4, 3, 1)),
    Row("average-pooling2d-first", "avg_pooling2d", {**FIRST}, (1, 4, 4), (), ((1, None, 4),)),
    Row("average-pooling3d", "average_pooling3d", {}, (2, 3, 2, 1), (), ((None, 2, 2, 1),)),
    Row("average-pooling3d-same", "avg_pool3d", {"padding": "same", **FIRST}, (1, 3, 1, 2)),
    Row("global-max-pooling1d", "global_max_pooling1d", {}, (3, 2), (), ((None, 2),)),
    Row("global-max-pooling1d-first", "global_max_pool1d", {"keepdims": True, **FIRST}, (2, 3)),
    Row("global-max-pooling2d", "global_max_pooling2d", {}, (3, 2, 2), (), ((None, None, 2),)),
    Row("global-max-pooling2d-first", "global_max_pool2d", {**FIRST}, (2, 3, 2)),
    Row("global-average-pooling1d", "global_average_pooling1d", {}, (3, 2), (), ((None, 2),)),
    Row("global-average-pooling1d-first", "global_average_pooling1d", {**FIRST}, (2, 3)),
    Row("global-average-pooling2d", "global_average_pooling2d", {}, (3, 2, 2), (), ((None, None, 2),)),
    Row("global-average-pooling2d-keeping", "global_average_pooling2d", {"keepdims": True, **FIRST}, (2, 3, 2)),
]
