"""Rows of the noise layers."""

from __future__ import annotations

from tests.layers.catalogue.row import Row

ROWS: list[Row] = [
    Row("gaussian-noise", "gaussian_noise", {"stddev": 0.3}, (6,), (), ((None, 3),), random=True),
    Row("gaussian-noise-seeded", "gaussian_noise", {"stddev": 0.3, "seed": 4}, (2, 3), random=True),
    Row("gaussian-noise-none", "gaussian_noise", {"stddev": 0}, (6,)),
    Row("gaussian-dropout", "gaussian_dropout", {"rate": 0.4}, (6,), (), ((None, 3),), random=True),
    Row("gaussian-dropout-all", "gaussian_dropout", {"rate": 1}, (6,)),
    Row("alpha-dropout", "alpha_dropout", {"rate": 0.4}, (9,), (), ((None, 3),), random=True),
    Row(
        "alpha-dropout-shared",
        "alpha_dropout",
        {"rate": 0.5, "noise_shape": [None, 1, 6], "seed": 1},
        (2, 6),
        random=True,
    ),
    Row("alpha-dropout-none", "alpha_dropout", {"rate": 0}, (6,)),
    Row("spatial-dropout", "spatial_dropout1d", {"rate": 0.5}, (2, 8), (), ((None, 3),), random=True),
    Row("spatial-dropout-seeded", "spatial_dropout1d", {"rate": 0.4, "seed": 2}, (2, 8), random=True),
]
