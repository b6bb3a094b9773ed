"""Rows of the preprocessing layers."""

from __future__ import annotations

from tests.layers.catalogue.row import Row

ROWS: list[Row] = [
    Row("rescaling", "rescaling", {"scale": 0.5}, (3,), (), ((None, 2),)),
    Row("rescaling-offset", "rescaling", {"scale": -2, "offset": 0.25}, (2, 3)),
    Row("resizing", "resizing", {"height": 2, "width": 5}, (3, 3, 2), (), ((None, None, 2),)),
    Row(
        "resizing-nearest",
        "resizing",
        {"height": 4, "width": 2, "interpolation": "nearest", "crop_to_aspect_ratio": True},
        (3, 3, 1),
    ),
    Row("center-crop", "center_crop", {"height": 2, "width": 1}, (5, 2, 2)),
    Row("center-crop-enlarges", "center_crop", {"height": 2, "width": 4}, (3, 3, 1)),
    Row(
        "category-encoding",
        "category_encoding",
        {"num_tokens": 4},
        (3,),
        (),
        ((None,), (2, 3)),
        integers=4,
        differentiable=False,
    ),
    Row(
        "category-encoding-one-hot",
        "category_encoding",
        {"num_tokens": 3, "output_mode": "one_hot"},
        (1,),
        (),
        ((2,),),
        integers=3,
        differentiable=False,
    ),
    Row(
        "category-encoding-count",
        "category_encoding",
        {"num_tokens": 3, "output_mode": "count"},
        (4,),
        integers=3,
        differentiable=False,
    ),
    # Sizes that vary are no matter for compiled code: they are tested with the family.
    Row("random-width-fixed", "random_width", {"factor": [0, 0]}, (2, 3, 1)),
    Row("random-height-fixed", "random_height", {"factor": [0, 0], "interpolation": "nearest", "seed": 3}, (2, 3, 1)),
]
