"""Objects that write themselves down: configurations compared with what TF.js's getConfig gives."""

from __future__ import annotations

import copy
import functools
import inspect
import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jtf
from jtf import naming
from jtf.configurable import Configurable, Registry, factory
from tests.corpus import DATA

RECORDED = json.loads((DATA / "configs.json").read_text())
MODULES = {
    "optimizer": jtf.train,
    "initializer": jtf.initializers,
    "regularizer": jtf.regularizers,
    "constraint": jtf.constraints,
}
REGISTRIES = {kind: module.registry for kind, module in MODULES.items()}


def made(case):
    make = getattr(MODULES[case["kind"]], naming.snake_case(case["factory"]))
    if case["kind"] == "optimizer":
        return make(*case["args"])  # TF.js takes these one by one, and everything else by name
    (options,) = case["args"] or [{}]
    return make(**options)


def cases():
    return [pytest.param(case, id=f"{case['factory']}{case['args']}") for case in RECORDED["configs"]]


# --- TF.js ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases())
def test_configurations_are_those_of_tfjs(case):
    ours = made(case)
    assert ours.class_name == case["className"]
    assert ours.get_config() == case["config"]
    json.dumps(ours.get_config(), allow_nan=False)


@pytest.mark.parametrize("case", cases())
@pytest.mark.parametrize("spelling", ["camelCase", "snake_case"])
def test_round_trip(case, spelling):
    config = case["config"]
    if spelling == "snake_case":
        config = {naming.snake_case(name): value for name, value in config.items()}
    described = (
        {"className": case["className"], "config": config}
        if spelling == "camelCase"
        else {"class_name": case["className"], "config": config}
    )
    again = REGISTRIES[case["kind"]].deserialize(described)
    assert again.get_config() == case["config"]
    assert again.class_name == case["className"]
    assert type(again).from_config(again.get_config()).get_config() == case["config"]


@pytest.mark.parametrize("name", RECORDED["optimizersByName"])
def test_optimizers_by_name_have_the_defaults_of_tfjs(name):
    assert jtf.train.get(name).get_config() == RECORDED["optimizersByName"][name]


def test_the_defaults_by_name_are_not_the_constructors():
    assert jtf.train.get("adadelta").learning_rate == 1.0
    assert jtf.train.adadelta().learning_rate == 0.001
    assert jtf.train.get("rmsprop").learning_rate == 0.001
    for needs_a_rate in (jtf.train.sgd, jtf.train.adagrad, jtf.train.rmsprop, jtf.train.momentum):
        with pytest.raises(TypeError, match="learning_rate"):
            needs_a_rate()
    assert jtf.train.get("adam") is not jtf.train.get("adam")


def test_every_class_is_recorded():
    factories = {(case["kind"], naming.snake_case(case["factory"])) for case in RECORDED["configs"]}
    for kind, module in MODULES.items():
        ours = {name for name, value in vars(module).items() if isinstance(getattr(value, "__wrapped__", None), type)}
        assert ours <= {name for found, name in factories if found == kind}, kind
        classes = {getattr(module, name).__wrapped__ for name in ours}
        only_read = {jtf.regularizers.L1, jtf.regularizers.L2}  # Keras writes them
        assert classes == set(REGISTRIES[kind].classes.values()) - only_read, kind


# --- names and options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("initializer", ["GlorotNormal", "glorotNormal", "glorot_normal"]),
        ("initializer", ["LeCunUniform", "leCunUniform", "lecun_uniform"]),
        ("initializer", ["Zeros", "zeros"]),
        ("regularizer", ["L1L2", "l1l2", "l1_l2"]),
        ("constraint", ["MaxNorm", "maxNorm", "max_norm"]),
        ("optimizer", ["RMSProp", "rmsprop"]),
    ],
)
def test_classes_are_found_by_every_spelling(kind, names):
    assert len({REGISTRIES[kind].find(name) for name in names}) == 1


@pytest.mark.parametrize(
    ("get", "name", "message"),
    [
        (jtf.initializers.get, "glorotNorml", r"Unknown initializer 'glorotNorml'. Did you mean 'GlorotNormal'\?"),
        (jtf.regularizers.get, "L1L3", r"Unknown regularizer 'L1L3'. Did you mean 'L1L2'\?"),
        (jtf.constraints.get, "maxnrm", r"Unknown constraint 'maxnrm'. Did you mean 'MaxNorm'\?"),
        (jtf.train.get, "adm", r"Unknown optimizer 'adm'. Did you mean 'adam'\? Choices: adadelta, adagrad, adam"),
        (jtf.train.get, "momentum", "Unknown optimizer 'momentum'"),
    ],
)
def test_unknown_names_get_a_hint(get, name, message):
    with pytest.raises(ValueError, match=message):
        get(name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: jtf.train.adam(learningrate=0.1),
            r"Adam has no option 'learningrate'. Did you mean 'learning_rate'\?",
        ),
        (lambda: jtf.train.momentum(0.1, 0.9, nesterov=True), "Momentum has no option 'nesterov'.*use_nesterov"),
        (
            lambda: jtf.initializers.random_normal(std=1),
            r"RandomNormal has no option 'std'.*Options: mean, stddev, seed",
        ),
        (lambda: jtf.initializers.glorot_normal(scale=2), "GlorotNormal has no option 'scale'. Options: seed"),
        (lambda: jtf.regularizers.l1_l2(L3=1), "L1L2 has no option 'L3'"),
        (
            lambda: jtf.constraints.deserialize({"className": "MaxNorm", "config": {"maxvalue": 1}}),
            r"MaxNorm has no option 'maxvalue'. Did you mean 'max_value'\?",
        ),
    ],
)
def test_unknown_options_get_a_hint(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_factories_take_both_spellings_and_show_the_signature():
    for options in ({"use_nesterov": True}, {"useNesterov": True}):
        assert jtf.train.momentum(0.1, 0.9, **options).use_nesterov is True
    assert jtf.constraints.max_norm(maxValue=3).max_value == 3
    assert inspect.signature(jtf.train.adam) == inspect.signature(jtf.train.Adam)
    assert jtf.train.adam.__doc__ == jtf.train.Adam.__doc__


@pytest.mark.parametrize("get", [jtf.initializers.get, jtf.regularizers.get, jtf.constraints.get])
def test_get(get):
    assert get(None) is None
    function = lambda x: x  # noqa: E731
    assert get(function) is function
    with pytest.raises(TypeError, match=r"Expected an? \w+: a name.*received 3"):
        get(3)
    with pytest.raises(TypeError, match="received <class"):
        get(jtf.initializers.Zeros)
    with pytest.raises(ValueError, match=r"is described by 'className' and 'config'; received \{'config'"):
        get({"config": {}})


def test_get_an_optimizer():
    adam = jtf.train.adam()
    assert jtf.train.get(adam) is adam
    for tx in (optax.adamw(0.1), optax.chain(optax.clip(1.0), optax.sgd(0.1)), optax.MultiSteps(optax.sgd(0.1), 2)):
        assert isinstance(jtf.train.get(tx), jtf.train.Optax)
    for wrong in (3, None, jtf.train.Adam, lambda: 0):
        with pytest.raises(TypeError, match="An optimizer is a name such as 'adam'"):
            jtf.train.get(wrong)
    with pytest.raises(NotImplementedError, match="no configuration"):
        jtf.train.get(optax.sgd(0.1)).get_config()


def test_a_schedule_is_written_down_as_its_present_rate():
    optimizer = jtf.train.sgd(optax.linear_schedule(1.0, 0.0, 10))
    assert optimizer.get_config() == {"learningRate": 1.0}
    assert repr(optimizer) == "SGD(learning_rate=1.0)"


# --- classes of one's own ---------------------------------------------------------------------------


class Base(Configurable):
    def __init__(self, name=None, *, hidden=0):
        self.name = name

    not_in_config = ("hidden",)


class Derived(Base):
    def __init__(self, kernel_size, activation=None, inner=None, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size, self.activation, self.inner = kernel_size, activation, inner


class Strict(Base):
    def __init__(self, size):
        super().__init__()
        self.size = size


class Forgetful(Configurable):
    def __init__(self, weight):
        self.other = weight


def test_own_arguments_come_first_then_the_bases():
    derived = Derived(
        (3, np.int64(2)), activation=jtf.activations.get("hard_sigmoid"), inner=jtf.regularizers.l2(0.5), name="d"
    )
    config = derived.get_config()
    assert list(config) == ["kernelSize", "activation", "inner", "name"]
    assert config == {
        "kernelSize": [3, 2],
        "activation": "hardSigmoid",
        "inner": {"className": "L1L2", "config": {"l1": 0.0, "l2": 0.5}},
        "name": "d",
    }
    assert Derived.from_config({"kernelSize": 1, "hidden": 3, "name": "n"}).name == "n"
    assert "name=" not in repr(Derived(1))


def test_a_constructor_without_kwargs_hides_the_bases_arguments():
    assert Strict(2).get_config() == {"size": 2}
    with pytest.raises(ValueError, match="Strict has no option 'name'"):
        Strict.from_config({"size": 2, "name": "n"})


def test_an_argument_that_is_not_kept_is_an_error():
    with pytest.raises(NotImplementedError, match=r"Forgetful.__init__ takes 'weight'.*Add `self.weight = weight`"):
        Forgetful(1).get_config()


def test_registries_are_apart():
    registry = Registry("gadget")
    registry.add(Derived)
    assert registry.deserialize({"className": "Derived", "config": {"kernelSize": 2}}).kernel_size == 2
    make = factory(Derived)
    assert make(kernelSize=3, name="x").kernel_size == 3
    with pytest.raises(ValueError, match="Unknown gadget 'Zeros'"):
        registry.find("Zeros")


def test_options_whose_names_are_spelt_irregularly_are_found_again():
    class Odd(Configurable):
        def __init__(self, dim_1=0, dim_2=0, numHeads=0):
            self.dim_1, self.dim_2, self.numHeads = dim_1, dim_2, numHeads

    config = Odd(1, 2, 3).get_config()
    assert config == {"dim1": 1, "dim2": 2, "numHeads": 3}
    in_file = {naming.words_in_snake_case(name): value for name, value in config.items()}
    for spelt in (config, in_file, {"dim_1": 1, "dim_2": 2, "numHeads": 3}):
        assert Odd.from_config(spelt).get_config() == config
    with pytest.raises(ValueError, match="Did you mean 'numHeads'"):
        Odd.from_config({"numheads": 3})


class Elsewhere:
    class Derived(Base):
        pass

    class derived(Base):
        pass


@pytest.mark.parametrize("cls", [Elsewhere.Derived, Elsewhere.derived])
def test_a_name_is_given_to_one_class_only(cls):
    registry = Registry("gadget")
    registry.add(Derived)
    with pytest.raises(
        ValueError, match=r"already \(tests\.test_configurable\.Derived\).*\(.*Elsewhere\.\w+\) another one"
    ):
        registry.add(cls)
    assert registry.find("Derived") is Derived


def test_a_layer_cannot_take_the_place_of_one_of_jtf():
    for name in ("Dense", "DENSE", "Functional"):
        with pytest.raises(ValueError, match="There is a layer class"):
            jtf.register_class(type(name, (jtf.layers.Layer,), {}))
    assert jtf.layers.base.registry.find("Dense") is jtf.layers.Dense


def test_a_cell_that_runs_again_replaces_its_class():
    def cell():
        class Mine(Base):
            pass

        return Mine

    registry = Registry("gadget")
    first, second = registry.add(cell()), registry.add(cell())
    assert first is not second is registry.find("Mine")


# --- values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.ones((2, 2), np.float32), [[1.0, 1.0], [1.0, 1.0]]),
        (jnp.arange(3), [0, 1, 2]),
        (jnp.bfloat16(0.5), 0.5),
        (np.float32(0.5), 0.5),
        ({"a": (1, np.int64(2)), "b": None}, {"a": [1, 2], "b": None}),
        (np.dtype("int32"), "int32"),
        (np.float32, "float32"),
        (jnp.bfloat16, "bfloat16"),
        (jtf.activations.get("gelu_new"), "gelu_new"),
        ([jtf.constraints.non_neg()], [{"className": "NonNeg", "config": {}}]),
    ],
)
def test_values_are_written_as_json_holds_them(value, written):
    config = Derived(value, name="d").get_config()
    assert config["kernelSize"] == written
    json.dumps(config, allow_nan=False)


@pytest.mark.parametrize("value", [object(), {1, 2}, slice(3), jtf.variable([1.0])])
def test_other_objects_are_refused(value):
    with pytest.raises(ValueError, match=r"Derived 'd': kernel_size is an object of class \w+.*define get_config\(\)"):
        Derived([value], name="d").get_config()


# --- functions --------------------------------------------------------------------------------------


def relu(x):
    """Not TF.js's."""
    return jnp.abs(x)


class Callable:
    def __call__(self, x):
        return x


NOT_WRITABLE = [
    (relu, r"tests\.test_configurable\.relu.*the name 'relu' stands for another one"),
    (lambda x: x, r"test_configurable\.<lambda>"),
    (functools.partial(jtf.functional.elu, alpha=0.5), "functools.partial"),
    (Callable(), r"test_configurable\.Callable"),
]


@pytest.mark.parametrize(("function", "message"), NOT_WRITABLE)
def test_a_function_without_a_name_trains_but_is_not_written(function, message, tmp_path):
    layer = jtf.layers.dense(units=2, activation=function, name="mine")
    model = jtf.sequential([layer])
    model.compile(optimizer="sgd", loss="mse")
    x = np.ones((4, 3), np.float32)
    model.fit(x, np.ones((4, 2), np.float32), verbose=0)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(x), model.predict(x))
    assert "mine" in repr(layer)
    for write in (layer.get_config, model.to_json, lambda: model.save(tmp_path / "model")):
        with pytest.raises(
            ValueError, match=rf"Dense 'mine': activation is the function .*{message}.*Use an activation"
        ):
            write()
    assert not (tmp_path / "model").exists()


def test_a_function_that_pickles_may_be_part_of_a_pickled_model():
    model = jtf.sequential([jtf.layers.dense(units=2, activation=relu, input_shape=[3])])
    x = np.ones((4, 3), np.float32)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(x), model.predict(x))


def test_both_directions_have_a_function_without_a_name():
    layer = jtf.layers.bidirectional(layer=jtf.layers.simple_rnn(units=2, activation=relu))
    assert layer.forward_layer.activation is layer.backward_layer.activation is relu
    assert layer(np.ones((1, 2, 3), np.float32)).shape == (1, 4)
    with pytest.raises(ValueError, match="activation is the function"):
        layer.get_config()


def test_a_function_in_the_place_of_an_initializer_is_not_written():
    layer = jtf.layers.dense(units=2, kernel_initializer=jax.nn.initializers.zeros)
    with pytest.raises(ValueError, match=r"kernel_initializer is the function jax\..*\.zeros"):
        layer.get_config()


def test_what_cannot_be_written_can_be_shown():
    assert repr(Derived(relu, name="d")) == "<Derived 'd'>"
    assert repr(Forgetful(1)) == "<Forgetful>"


# --- objects in options -----------------------------------------------------------------------------


class Around(jtf.layers.Layer):
    def __init__(self, inner, others=(), table=None, initializer=None, **options):
        super().__init__(**options)
        self.inner, self.others, self.table = inner, others, table
        self.initializer = jtf.initializers.get(initializer)

    def call(self, x):
        return self.inner(x)


class Zeros(jtf.layers.Layer):
    """Of the name of an initializer."""


@pytest.mark.parametrize("in_a_file", [False, True])
def test_layers_in_options_are_made_again(in_a_file):
    L = jtf.layers
    jtf.register_class(Around)
    jtf.register_class(Zeros)
    try:
        layer = Around(
            L.dense(units=2, activation=L.leaky_relu(alpha=0.1)),
            others=[L.flatten(), [Around(L.bidirectional(layer=L.lstm(units=3)))]],
            table={"myKey": "someValue", "x": L.rnn(cell=[L.gru_cell(units=2), L.lstm_cell(units=1)])},
            initializer=jtf.initializers.zeros(),
        )
        if in_a_file:
            model = jtf.sequential([layer])
            model.build((None, 3))
            again = jtf.models.model_from_json(model.to_json()).layers[0]
        else:
            again = L.deserialize({"className": "Around", "config": layer.get_config()})
        assert {k: v for k, v in again.get_config().items() if k not in ("batchInputShape", "dtype")} == (
            layer.get_config()
        )
        assert isinstance(again.inner, L.Dense)
        assert isinstance(again.inner.activation, L.LeakyReLU)
        assert isinstance(again.others[1][0].inner.forward_layer, L.LSTM)
        assert again.table["myKey"] == "someValue"
        assert [type(cell) for cell in again.table["x"].cell.cells] == [L.GRUCell, L.LSTMCell]
        assert isinstance(again.initializer, jtf.initializers.Zeros)
    finally:
        for name in ("Around", "Zeros"):
            del jtf.layers.base.registry.classes[name]


def test_strings_that_are_no_identifiers_stay_as_they_are_in_files():
    model = jtf.sequential([jtf.layers.einsum_dense(equation="bE,EF->bF", output_shape=[2], input_shape=[3])])
    assert jtf.models.model_from_json(model.to_json()).layers[0].equation == "bE,EF->bF"


WITHOUT_A_CALL = {"class_name": "InputLayer", "name": "a", "config": {"name": "a", "batch_input_shape": [None, 1]}}


def graph(**changes):
    layers = [WITHOUT_A_CALL | {"inbound_nodes": []}]
    config = {"layers": layers, "input_layers": [["a", 0, 0]], "output_layers": [["a", 0, 0]]} | changes
    return {"class_name": "Model", "config": config}


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (5, "A layer is described by 'className' and 'config'; received 5"),
        (None, "described by .* received None"),
        ("Dense", "described by .* received 'Dense'"),
        ({"class_name": 5, "config": {}}, "described by"),
        (
            {"class_name": "Dense", "config": [1, 2]},
            r"Dense's configuration has its options by name.* received \[1, 2\]",
        ),
        ({"class_name": "Dense", "config": "units"}, "Dense's configuration has its options by name"),
        ({"class_name": "Dense", "config": {1: 2}}, "Dense's configuration has its options by name"),
        ({"class_name": "Dense"}, "Dense's configuration lacks 'units'"),
        ({"class_name": "TimeDistributed", "config": {}}, "TimeDistributed's configuration lacks 'layer'"),
        ({"class_name": "RNN", "config": {"cell": 5}}, "RNN takes cells"),
        ({"class_name": "RNN", "config": [5]}, "RNN's configuration has its options by name"),
        (
            {
                "class_name": "Dense",
                "config": {"units": 1, "kernel_initializer": {"class_name": "Zeros", "config": [2]}},
            },
            "Zeros's configuration has its options by name",
        ),
        ({"class_name": "Sequential"}, "A Sequential's configuration has its 'layers' in a list; received {}"),
        ({"class_name": "Sequential", "config": {"layers": {}}}, "has its 'layers' in a list"),
        ({"class_name": "Sequential", "config": 5}, "has its 'layers' in a list; received 5"),
        ({"class_name": "Sequential", "config": {"layers": [5]}}, "A layer is described by"),
        ({"class_name": "Model"}, "A model's configuration has a list 'layers'; this one has nothing"),
        (graph(layers=5), "a list 'layers'"),
        (graph(layers=[5]), "has a 'name'; this one is 5"),
        (graph(layers=[{"class_name": "Dense", "config": {"units": 1}}]), "has a 'name'"),
        (graph(layers=[WITHOUT_A_CALL]), "a list 'inbound_nodes'; this one has 'class_name', 'name', 'config'"),
        (graph(layers=[WITHOUT_A_CALL | {"inbound_nodes": [["a"]]}]), r"A tensor .* is \[layer, call, output\].* 'a'"),
        (graph(input_layers=[["a"]]), r"received \['a'\]"),
        (graph(input_layers=[["a", "0", 0]]), r"received \['a', '0', 0\]"),
        (graph(output_layers=[["a", 0, -1]]), r"received \['a', 0, -1\]"),
        (graph(output_layers=[["a", 0, 0, 3]]), r"received \['a', 0, 0, 3\]"),
        (graph(output_layers=5), "a list 'output_layers'"),
        (graph(output_layers=[["a", 0, 1]]), "no tensor 1 of call 0"),
    ],
)
def test_what_describes_nothing_is_refused(described, message):
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        jtf.layers.deserialize(described)
    assert raised.type is ValueError or "takes cells" in message


@pytest.mark.parametrize("kind", [jtf.initializers, jtf.regularizers, jtf.constraints])
def test_other_kinds_are_described_in_the_same_way(kind):
    with pytest.raises(ValueError, match="is described by 'className' and 'config'; received 5"):
        kind.deserialize(5)


@pytest.mark.parametrize("wrong", [int, "Dense", None, jtf.layers.dense(units=1), jtf.initializers.Zeros])
def test_only_classes_of_layers_are_made_known_as_such(wrong):
    known = dict(jtf.layers.base.registry.classes)
    with pytest.raises(TypeError, match=r"derived from jtf\.layers\.base\.Layer; received"):
        jtf.register_class(wrong)
    assert jtf.layers.base.registry.classes == known
    assert not jtf.layers.base.registry.knows("int")


@pytest.mark.parametrize(
    ("base", "name", "python_name"),
    [
        (jtf.layers.Layer, "computeOutputShape", "compute_output_shape"),
        (jtf.layers.Layer, "getConfig", "get_config"),
        (jtf.layers.Layer, "className", "class_name"),
        (jtf.layers.Dense, "supportsMasking", "supports_masking"),
        (jtf.initializers.Initializer, "getConfig", "get_config"),
        (jtf.initializers.Zeros, "fromConfig", "from_config"),
        (type(jtf.regularizers.l1_l2()), "getConfig", "get_config"),
        (type(jtf.constraints.max_norm()), "getConfig", "get_config"),
    ],
)
def test_a_method_in_the_spelling_of_tfjs_is_refused(base, name, python_name):
    with pytest.raises(TypeError, match=f"Mine.{name} would never be .*: name (the method|it) {python_name}"):
        type("Mine", (base,), {name: lambda self: None})
