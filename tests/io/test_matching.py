"""Weights whose names in the file are not quite those of the model."""

from __future__ import annotations

import pytest

from jtf.io import ModelFormatError
from jtf.io.matching import left_out, matched, matched_in_part

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


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (["a/dense/kernel", "b/dense/kernel"], ["dense/kernel", "other/kernel"]),
        (["a/dense/kernel", "b/dense/kernel"], ["dense/kernel", "b/dense/kernel"]),  # 'dense/kernel' may be either
        (["dense/kernel", "b/dense/kernel"], ["a/dense/kernel", "b/dense/kernel"]),
        (["dense/kernel", "dense/kernel"], ["a/dense/kernel", "b/dense/kernel"]),
    ],
)
def test_what_is_in_doubt_is_refused(theirs, ours):
    with pytest.raises(ModelFormatError, match="to have the names of those of the layers"):
        matched([(name, (3, 2)) for name in theirs], [(name, (3, 2)) for name in ours], "file")


def test_names_by_counting_are_matched_by_order():
    ours = [("block/dense_4/kernel", (3, 3)), ("block/dense_5/kernel", (3, 3)), ("last/kernel", (3, 2))]
    theirs = [("block/dense_1/kernel", (3, 3)), ("block/dense_2/kernel", (3, 3)), ("last/kernel", (3, 2))]
    counted = [True, True, False]
    assert matched(theirs, ours, "file", counted) == [0, 1, 2]
    for other in (("first/kernel", (3, 2)), ("last/kernel", (2, 2)), ("last/gain", (3, 2))):
        with pytest.raises(ModelFormatError, match="names of those of the layers"):
            matched([*theirs[:2], other], ours, "file", counted)
    for other in (("block/dense_2/gain", (3, 3)), ("block/dense_2/kernel", (9, 3))):
        with pytest.raises(ModelFormatError, match="names of those of the layers"):
            matched([theirs[0], other, theirs[2]], ours, "file", counted)


def test_the_same_name_with_another_shape_is_said():
    with pytest.raises(ModelFormatError, match=r"'dense/bias': expected shape \(2,\).*found shape \(4,\)") as caught:
        matched([OURS[0], ("dense/bias", (4,)), *OURS[2:]], OURS, "file")
    assert (caught.value.file, caught.value.entry) == ("file", "weight 'dense/bias'")


def test_part_of_the_weights():
    theirs = [("dense/bias", (2,)), ("dense/kernel", (9, 9)), ("gone", ())]
    assert matched_in_part(theirs, OURS) == [None, 0, None, None]


def test_what_was_left_out():
    theirs = [("dense/bias", (2,)), ("dense/kernel", (9, 9)), ("gone", ())]
    assert left_out(theirs, OURS, [None, 0, None, None]) == (
        "3 weights of the model not in the file: dense/kernel (3, 2), lstm/kernel (2, 8), lstm/bias (8,). "
        "2 weights in the file not used: dense/kernel (9, 9), gone ()"
    )
    assert left_out(OURS, OURS, [0, 1, 2, 3]) == ""
    many = [(f"w{n}", (1,)) for n in range(25)]
    assert left_out(many, [], []).endswith("w19 (1,) and 5 more")
