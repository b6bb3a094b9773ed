"""Where a mask does something else in Keras, the file is refused."""

from __future__ import annotations

import pytest

from jtf.io import ModelFormatError
from jtf.io.keras.config import Dialect
from jtf.io.keras.graph import Address, Call
from jtf.io.keras.masks import check_masks


def graph(merged_by, mask_zero=(True, True)):
    """Two embeddings, merged."""
    described = {"ids": {"class_name": "InputLayer", "config": {}}, "merged": {"class_name": merged_by, "config": {}}}
    calls = {"ids": [], "merged": [Call([Address("one", 0, 0), Address("two", 0, 0)], {}, {})]}
    for name, makes_mask in zip(("one", "two"), mask_zero, strict=True):
        described[name] = {"class_name": "Embedding", "config": {"mask_zero": makes_mask}}
        calls[name] = [Call([Address("ids", 0, 0)], {}, {})]
    return described, calls


@pytest.mark.parametrize("name", ["Maximum", "Minimum", "Multiply"])
def test_masked_steps_are_left_out_in_keras_3(name):
    """Keras 3 takes the others alone where one is masked; here masks do not change values."""
    for mask_zero in ((True, True), (True, False), (False, True)):
        with pytest.raises(ModelFormatError, match=rf"'merged' \({name}\): expected no mask.*out of the result"):
            check_masks(*graph(name, mask_zero), Dialect("model.keras", 3))
    check_masks(*graph(name, (False, False)), Dialect("model.keras", 3))
    check_masks(*graph(name), Dialect("model.h5", 2))


@pytest.mark.parametrize("name", ["Add", "Average", "Concatenate"])
def test_others_let_masks_through(name):
    check_masks(*graph(name), Dialect("model.keras", 3))
