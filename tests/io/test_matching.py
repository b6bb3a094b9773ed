"""Weights whose names in the file are not quite those of the model."""

from __future__ import annotations

import pytest

from jtf.io import ModelFormatError
from jtf.io.matching import matched, matched_in_part

OURS = [("dense/kernel", (3, 2)), ("dense/bias", (2,)), ("lstm/kernel", (2, 8)), ("lstm/bias", (8,))]


def renamed(rename):
    return [(rename(name), shape) for name, shape in reversed(OURS)]


@pytest.mark.parametrize(
    "theirs",
    [
        renamed(lambda name: name),
        renamed(lambda name: name.replace("lstm/", "lstm/lstm_cell/")),  # TensorFlow since 2.2
        renamed(lambda name: f"model_1/{name}"),
        renamed(lambda name: f"model_1/part/{name}"),
    ],
    ids=["same", "cell", "prefix", "prefixes"],
)
def test_names_that_differ_in_a_known_way(theirs):
    assert matched(theirs, OURS, "file") == [3, 2, 1, 0]


def test_names_without_our_prefix():
    ours = [(f"outer/{name}", shape) for name, shape in OURS]
    assert matched(renamed(lambda name: name), ours, "file") == [3, 2, 1, 0]


@pytest.mark.parametrize("form", ["{}/{}", "{}/vars/{}", "_layer_checkpoint_dependencies/{}/vars/{}"])
def test_numbers_of_keras_3(form):
    theirs = [
        (form.format(name, number), shape)
        for name, number, (_, shape) in zip(
            ["lstm", "lstm", "dense", "dense"], [0, 1, 0, 1], OURS[2:] + OURS[:2], strict=True
        )
    ]
    assert matched(theirs, OURS, "file") == [2, 3, 0, 1]


def test_what_is_in_doubt_is_refused():
    theirs = [("a/dense/kernel", (3, 2)), ("b/dense/kernel", (3, 2))]
    ours = [("dense/kernel", (3, 2)), ("other/kernel", (3, 2))]
    assert matched(theirs, ours, "file") == [0, 1], "by order, since kind and shapes are the same"
    with pytest.raises(ModelFormatError, match="by name or by order"):
        matched([*theirs, ("c/dense/bias", (2,))], [*ours, ("dense_1/bias", (3,))], "file")


def test_the_same_name_with_another_shape_is_said():
    with pytest.raises(ModelFormatError, match=r"'dense/bias': expected shape \(2,\).*found shape \(4,\)") as caught:
        matched([OURS[0], ("dense/bias", (4,)), *OURS[2:]], OURS, "file")
    assert (caught.value.file, caught.value.entry) == ("file", "weight 'dense/bias'")


def test_part_of_the_weights():
    theirs = [("dense/bias", (2,)), ("dense/kernel", (9, 9)), ("gone", ())]
    assert matched_in_part(theirs, OURS) == [None, 0, None, None]
