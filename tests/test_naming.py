"""Names in both spellings, automatic names as TF.js counts them, and hints for wrong ones."""

from __future__ import annotations

import json

import pytest

import jtf
from jtf import naming
from tests.corpus import DATA

RECORDED = json.loads((DATA / "configs.json").read_text())


@pytest.mark.parametrize(
    ("tfjs", "python"),
    [
        ("fitDataset", "fit_dataset"),
        ("conv2dTranspose", "conv2d_transpose"),
        ("depthwiseConv2d", "depthwise_conv2d"),
        ("maxPooling2d", "max_pooling2d"),
        ("globalAveragePooling1d", "global_average_pooling1d"),
        ("upSampling2d", "up_sampling2d"),
        ("convLstm2d", "conv_lstm2d"),
        ("convLstm2dCell", "conv_lstm2d_cell"),
        ("lstmCell", "lstm_cell"),
        ("simpleRNN", "simple_rnn"),
        ("simpleRNNCell", "simple_rnn_cell"),
        ("stackedRNNCells", "stacked_rnn_cells"),
        ("reLU", "relu"),
        ("leakyReLU", "leaky_relu"),
        ("pReLU", "prelu"),
        ("thresholdedReLU", "thresholded_relu"),
        ("l1l2", "l1_l2"),
        ("leCunNormal", "lecun_normal"),
        ("leCunUniform", "lecun_uniform"),
        ("glorotNormal", "glorot_normal"),
        ("categoricalCrossentropy", "categorical_crossentropy"),
        ("dense", "dense"),
        ("useBias", "use_bias"),
    ],
)
def test_python_names(tfjs, python):
    assert naming.snake_case(tfjs) == python
    assert naming.snake_case(python) == python


@pytest.mark.parametrize(
    "tfjs",
    "useBias batchInputShape inputDType initialAccumulatorValue useNesterov learningRate beta1 l1 units maxValue "
    "kernelInitializer recurrentActivation returnSequences unitForgetBias dataFormat goBackwards interpolation "
    "hardSigmoid logSoftmax gelu_new relu6 inputDim outputDim maskZero axis fanIn truncatedNormal".split(),
)
def test_options_come_back(tfjs):
    assert naming.camel_case(naming.snake_case(tfjs)) == tfjs
    assert naming.camel_case(tfjs) == tfjs


# Input layers are named by a rule of their own.
NAMED = {name: case for name, case in RECORDED["layerNames"].items() if case["className"] != "InputLayer"}


@pytest.mark.parametrize("case", NAMED.values(), ids=list(NAMED))
def test_automatic_names_are_spelt_as_in_tfjs(case):
    name = naming.unique_name(case["className"])
    assert name.rstrip("0123456789") == case["name"].rstrip("0123456789")


def test_automatic_names_count_by_class():
    class_name = "SomethingOfThisTest"
    assert [naming.unique_name(class_name) for _ in range(3)] == [
        f"something_of_this_test_SomethingOfThisTest{n}" for n in (1, 2, 3)
    ]
    assert naming.unique_name("AnotherOfThisTest").endswith("AnotherOfThisTest1")
    assert [naming.next_uid("counter_of_this_test_") for _ in range(2)] == [
        "counter_of_this_test_1",
        "counter_of_this_test_2",
    ]


def test_layer_factories_have_their_python_names():
    for tfjs, case in RECORDED["layerNames"].items():
        cls = getattr(jtf.layers, case["className"], None)
        if cls is not None:  # not every layer exists yet
            made = getattr(jtf.layers, naming.snake_case(tfjs if tfjs != "cropping2D" else "cropping2d"))
            assert made.__wrapped__ is cls if hasattr(made, "__wrapped__") else callable(made)


def test_look_up_takes_both_spellings():
    table = {"mean_squared_error": 1, "L1L2": 2, "relu": 3}
    for name in ("mean_squared_error", "meanSquaredError"):
        assert naming.look_up(name, table, "loss") == 1
    assert naming.look_up("L1L2", table, "regularizer") == 2
    assert naming.look_up("reLU", table, "activation") == 3


def test_look_up_suggests():
    table = {"mean_squared_error": 1, "hinge": 2}
    with pytest.raises(
        ValueError,
        match=r"Unknown loss 'meanSquareError'. Did you mean 'mean_squared_error'\? Choices: hinge, mean_squared_error",
    ):
        naming.look_up("meanSquareError", table, "loss")
    with pytest.raises(ValueError, match=r"Unknown loss 'xyz'\. Choices"):
        naming.look_up("xyz", table, "loss")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("adm", " Did you mean 'adam'?"),
        ("ADAM", " Did you mean 'adam'?"),
        ("RMSprop", " Did you mean 'rmsprop'?"),
        ("zzz", ""),
        (None, ""),
        (3, ""),
    ],
)
def test_nearest(name, hint):
    assert naming.nearest(name, ["adam", "rmsprop", "sgd"]) == hint
    assert naming.nearest(name, []) == ""


@pytest.mark.parametrize("name", ["hardSigmoid", "hard_sigmoid", "gelu_new", "reLU", "relu6", "logSoftmax", "linear"])
def test_activations_by_name(name):
    function = jtf.activations.get(name)
    assert naming.snake_case(name) == function.__name__
    assert jtf.activations.get(function) is function


def test_activations_refuse():
    assert jtf.activations.get(None)(3.0) == 3.0
    with pytest.raises(ValueError, match=r"Unknown activation 'relo'. Did you mean 'relu'\?"):
        jtf.activations.get("relo")
    with pytest.raises(TypeError, match="An activation is a name or a function of one array; received 3"):
        jtf.activations.get(3)


MANY = 1_000_000


@pytest.mark.parametrize("name", ["d_D" + "1" * MANY + "_", "d_" + "A1" * MANY + "_", "a_" * MANY, "A" * MANY])
def test_long_names_in_files_are_read_in_one_go(name):
    # In a time that grows with the square of their length, these would take hours.
    naming.note(name)
    assert len(naming.snake_case(name)) >= len(name)
