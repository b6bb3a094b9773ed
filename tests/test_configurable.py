"""Objects that write themselves down: configurations compared with what TF.js's getConfig gives."""

from __future__ import annotations

import inspect
import json

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
        ours = {name for name, value in vars(module).items() if getattr(value, "__wrapped__", None) is not None}
        ours -= {"custom_grad"}
        assert ours <= {name for found, name in factories if found == kind}, kind
        classes = {getattr(module, name).__wrapped__ for name in ours}
        assert classes == set(REGISTRIES[kind].classes.values()), kind


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
    with pytest.raises(TypeError, match=r"Expected a \w+: a name.*received 3"):
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
