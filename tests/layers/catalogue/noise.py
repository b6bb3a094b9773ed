"""Rows of the noise layers."""

from __future__ import annotations

from tests.layers.catalogue.row import Row

ROWS: list[Row] = []
