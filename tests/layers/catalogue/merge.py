"""Rows of the merge layers."""

from __future__ import annotations

from tests.layers.catalogue.row import Row

ROWS: list[Row] = []
