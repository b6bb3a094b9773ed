"""Elements, sizes and CSV values against what TF.js 4.22 gave (recorded.json, made by record.cjs)."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from jtf import data
from jtf.naming import snake_case

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text())


def known(n):
    return data.array(list(range(n)))


def unknown(n):
    return data.generator(lambda: iter(range(n)))


# The same expressions, with other names, are in record.cjs.
PIPELINES = {
    "batch_keeps_small": lambda: known(7).batch(3),
    "batch_drops_small": lambda: known(7).batch(3, False),
    "batch_exact": lambda: known(6).batch(3, False),
    "batch_unknown": lambda: unknown(7).batch(3),
    "batch_endless": lambda: known(2).repeat().batch(3),
    "batch_xs_ys": lambda: data.array(
        [{"xs": [1, 2], "ys": 0}, {"xs": [3, 4], "ys": 1}, {"xs": [5, 6], "ys": 0}]
    ).batch(2),
    "batch_booleans": lambda: data.array([True, False, True]).batch(2),
    "batch_mixed_numbers": lambda: data.array([1, 2.5, 3]).batch(2),
    "batch_float_then_boolean": lambda: data.array([2.5, True, 3]).batch(3),
    "batch_strings": lambda: data.array(["a", "bcd"]).batch(2),
    "take_some": lambda: known(5).take(3),
    "take_more": lambda: known(5).take(9),
    "take_none": lambda: known(5).take(0),
    "take_negative": lambda: known(5).take(-1),
    "take_unknown": lambda: unknown(5).take(3),
    "take_endless": lambda: known(2).repeat().take(5),
    "skip_some": lambda: known(5).skip(2),
    "skip_all": lambda: known(5).skip(9),
    "skip_none": lambda: known(5).skip(0),
    "skip_unknown": lambda: unknown(5).skip(2),
    "skip_endless": lambda: known(3).repeat().skip(2),
    "repeat_twice": lambda: known(3).repeat(2),
    "repeat_none": lambda: known(3).repeat(0),
    "repeat_negative": lambda: known(3).repeat(-1),
    "repeat_endless": lambda: known(3).repeat(),
    "repeat_unknown": lambda: unknown(3).repeat(2),
    "repeat_unknown_endless": lambda: unknown(3).repeat(),
    "repeat_endless_twice": lambda: known(3).repeat().repeat(2),
    "concatenate_known": lambda: known(2).concatenate(known(3)),
    "concatenate_unknown": lambda: known(2).concatenate(unknown(3)),
    "concatenate_endless": lambda: known(2).concatenate(known(2).repeat()),
    "concatenate_endless_unknown": lambda: known(2).repeat().concatenate(unknown(2)),
    "filter_known": lambda: known(6).filter(lambda x: x % 2 == 0),
    "filter_endless": lambda: known(3).repeat().filter(lambda x: x > 0),
    "map_known": lambda: known(4).map(lambda x: x * x),
    "map_unknown": lambda: unknown(4).map(lambda x: x + 1),
    "prefetch_known": lambda: known(5).prefetch(2),
    "zip_list": lambda: data.zip([known(3), known(5)]),
    "zip_dict": lambda: data.zip({"xs": known(4), "ys": known(2)}),
    "zip_endless": lambda: data.zip({"xs": known(4), "ys": known(2).repeat()}),
    "zip_batched": lambda: data.zip({"xs": known(5), "ys": known(5).map(lambda x: 2 * x)}).batch(2),
    "shuffle_size": lambda: known(1).shuffle(3),
}
#: Sizes that jtf gives on purpose where TF.js says that it does not know.
BETTER_SIZES = {"repeat_unknown_endless": math.inf, "take_negative": 5}


def plain(found, recorded):
    """`found` in the form of the recording; what was a tensor there must be an array here."""
    if isinstance(recorded, dict) and "dtype" in recorded:
        assert isinstance(found, np.ndarray)
        assert list(found.shape) == recorded["shape"]
        # Whole numbers are int32 here, float32 in TF.js, which has no other numbers; all else is equal.
        kind = {"float32": ("float32", "int32"), "bool": ("bool",), "string": (found.dtype.name,)}
        assert found.dtype.name in kind[recorded["dtype"]]
        return {"dtype": recorded["dtype"], "shape": recorded["shape"], "values": found.tolist()}
    if isinstance(recorded, dict):
        assert list(found) == list(recorded)
        return {key: plain(found[key], recorded[key]) for key in recorded}
    if isinstance(recorded, list):
        return [plain(f, r) for f, r in zip(found, recorded, strict=True)]
    return found


def test_the_recording_has_exactly_these_pipelines():
    assert list(RECORDED["pipelines"]) == list(PIPELINES)


@pytest.mark.parametrize("name", PIPELINES)
def test_elements_and_size_as_in_tfjs(name):
    recorded, dataset = RECORDED["pipelines"][name], PIPELINES[name]()
    size = BETTER_SIZES.get(name, math.inf if recorded["size"] == "inf" else recorded["size"])
    assert dataset.size == size
    for _ in range(2):  # the second pass is like the first
        found = list(itertools.islice(dataset, 8))
        assert plain(found, recorded["elements"]) == recorded["elements"]
    if isinstance(dataset.size, int):
        assert len(dataset) == len(dataset.to_array())


#: Elements that jtf gives on purpose where TF.js gives others.
BETTER_ELEMENTS = {
    # TF.js leaves doubled quotes as they are written.
    "quotes": [{"a": 1, "b": "x,y"}, {"a": 'q "r" s', "b": 2}],
}


@pytest.mark.parametrize("name", RECORDED["csv"])
def test_csv_values_as_in_tfjs(name, tmp_path):
    recorded = RECORDED["csv"][name]
    path = tmp_path / "data.csv"
    path.write_bytes(recorded["text"].encode())
    options = {snake_case(key): value for key, value in recorded["config"].items()}
    dataset = data.csv(path, **options)
    assert dataset.column_names == recorded["columns"]

    def as_json(value):
        if isinstance(value, dict):
            return {key: as_json(v) for key, v in value.items()}
        if isinstance(value, float) and not math.isfinite(value):
            return "undefined" if math.isnan(value) else ("-" if value < 0 else "") + "Infinity"
        return value

    found = [as_json(element) for element in dataset]
    assert found == BETTER_ELEMENTS.get(name, recorded["elements"])
