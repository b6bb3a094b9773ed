"""Names of TF.js and Keras that jtf does not have: each is answered with what to write, and that exists."""

from __future__ import annotations

import asyncio
import copy
import functools
import importlib
import inspect
import json
import pickle
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf import hints, missing
from jtf.naming import folded, snake_case, spelling
from tests.corpus import DATA

TFJS = json.loads((DATA / "names_tfjs.json").read_text())
KERAS = json.loads((DATA / "names_keras.json").read_text())
#: Where the names of a namespace are looked for.
RENAMED = {"optimizers": "train"}
#: A part of the table about a class is about those derived from it, too.
INHERITED = {("Layer", "LayersModel"), ("Layer", "Sequential"), ("LayersModel", "Sequential")}
#: Names that are in no list, since they are those of the libraries themselves, and a habit of Keras's users.
MORE = {"": ["keras"], "Optimizer": ["lr"]}


@functools.cache
def objects():
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[1])])
    graph = jtf.model(inputs=(x := jtf.input(shape=[1])), outputs=jtf.layers.dense(units=1)(x))
    for each in (model, graph):
        each.compile("sgd", "mse")
    return {
        "Callback": jtf.callbacks.Callback(),
        "Dataset": jtf.data.array([1]),
        "History": jtf.callbacks.History(),
        "Layer": jtf.layers.flatten(),
        "LayersModel": graph,
        "Optimizer": jtf.train.sgd(1.0),
        "Sequential": model,
        "Variable": jtf.variable([1.0]),
    }


def owner_of(kind, scope):
    if kind == "classes":
        return objects()[scope]
    return getattr(jtf, RENAMED.get(scope, scope)) if scope else jtf


def has(owner, name):
    """Whether something has a name, be it as a property that raises here; files of a package do not count."""
    for each in (name, snake_case(name)):
        if hasattr(owner, each) or hasattr(type(owner), each):
            return owner is jtf or not inspect.ismodule(getattr(owner, each, None))
    return False


LISTS = [
    pytest.param(kind, scope, names, id=f"{library}-{scope or 'itself'}")
    for library, lists in (("tfjs", TFJS), ("keras", KERAS))
    for kind in ("namespaces", "classes")
    for scope, names in lists[kind].items()
    if scope != "SymbolicTensor"
]


@pytest.mark.parametrize(("kind", "scope", "names"), LISTS)
def test_every_name_is_there_or_answered(kind, scope, names):
    if kind == "namespaces" and not hasattr(jtf, RENAMED.get(scope, scope) or "layers"):
        answer = hints.hint("", scope)
        assert answer, f"jtf has no {scope!r} and no hint for it"
        told = {name for names in hints.ABSENT.get(scope, {}).values() for name in names.split()}
        assert not told or set(map(folded, told)) == set(map(folded, names))
        return
    owner = owner_of(kind, scope)
    unanswered = []
    for name in names:
        if has(owner, name):
            continue
        with pytest.raises(AttributeError) as caught:
            getattr(owner, name)
        if not re.search(rf"has no '{name}'(: |; it is called)", str(caught.value)):
            unanswered.append(str(caught.value))
    assert not unanswered


def known(scope):
    """All names that a part of the table may be about."""
    names = list(MORE.get(scope, []))
    for lists in (TFJS, KERAS):
        names += lists["options"].get(scope.removesuffix("()"), []) if scope.endswith("()") else []
        for kind in ("namespaces", "classes"):
            for listed, found in lists[kind].items():
                if scope == RENAMED.get(listed, listed) or (scope, listed) in INHERITED:
                    names += found
    return names


@pytest.mark.parametrize(
    ("library", "method"), [(name, m) for name, lists in (("tfjs", TFJS), ("keras", KERAS)) for m in lists["options"]]
)
def test_every_argument_is_there_or_answered(library, method):
    model = objects()["Sequential"]
    known = inspect.signature(getattr(model, method)).parameters
    for name in {"tfjs": TFJS, "keras": KERAS}[library]["options"][method]:
        if name in known:
            continue
        with pytest.raises(TypeError) as caught:
            getattr(model, method)(**{name: None})
        said = str(caught.value)
        if snake_case(name) in known:
            assert f"Did you mean '{snake_case(name)}'?" in said
        else:
            assert re.match(f"{method} has no argument '{name}': ", said)


PARTS = {**hints.NAMESPACES, **hints.ABSENT, **hints.MEMBERS, **hints.ARGUMENTS}


@pytest.mark.parametrize("scope", PARTS, ids=lambda scope: scope or "jtf")
def test_entries_are_about_names_that_exist_there_and_not_here(scope):
    names = [name for names in PARTS[scope].values() for name in names.split()]
    spellings = [folded(name) for name in names]
    assert not [name for name, count in Counter(spellings).items() if count > 1], "names have two entries"
    assert set(spellings) <= set(map(folded, known(scope))), "neither TF.js nor Keras has these"
    if scope in hints.ABSENT:
        assert not hasattr(jtf, scope), "jtf has it now: its part of the table belongs to NAMESPACES"
        return
    if scope in hints.ARGUMENTS:
        arguments = inspect.signature(getattr(jtf.LayersModel, scope.removesuffix("()"))).parameters
        assert not [name for name in names if snake_case(name) in arguments], "it takes these now"
        return
    owner = objects()[scope] if scope in hints.MEMBERS else owner_of("namespaces", scope)
    assert not [name for name in names if has(owner, name)], "jtf has these now: take them from the table"


def code_of(write):
    """The dotted names of Python in what to write."""
    return re.findall(r"\b(?:jnp|jax|jtf|np|optax|plt|math|time|random|shutil|os|re|urllib)(?:\.\w+)+", write)


def evaluated(path):
    first, *rest = path.split(".")
    names = {"jnp": "jax.numpy", "np": "numpy", "plt": "matplotlib.pyplot"}
    module = importlib.import_module(names.get(first, first))
    for name in rest:
        if not hasattr(module, name):
            importlib.import_module(f"{module.__name__}.{name}")
        module = getattr(module, name)
    return module


@pytest.mark.parametrize("scope", PARTS, ids=lambda scope: scope or "jtf")
def test_what_to_write_exists(scope):
    pytest.importorskip("matplotlib")
    model = objects()["LayersModel"]
    for names in PARTS[scope].values():
        for name in names.split():
            write = hints.hint(scope, name) or hints.hint("", scope)
            for path in code_of(write):
                assert evaluated(path) is not None
            for method in re.findall(r"\bmodel\.(\w+)", write):
                assert hasattr(model, method), write
    if scope in hints.MEMBERS:
        owner = objects()[scope]
        for write in PARTS[scope]:
            if re.fullmatch(r"\w+", write):
                assert has(owner, write), write


#: Arguments that are integers.
INDICES = ("indices", "segments", "labels", "predictions", "targets")
#: Operations with what TF.js computes for some arguments.
OPERATIONS = json.loads((DATA / "tfjs_operations.json").read_text())


def code_for(name):
    """The code alone of what to write for an operation, such as ``x @ y`` or ``jnp.abs``."""
    namespace, _, function = name.rpartition(".")
    if namespace:
        write = next(write for write, names in hints.ABSENT[namespace].items() if function in names.split())
    else:
        write = hints.hint("", name).removeprefix("use ").split(" (import")[0].removesuffix(".")
    return re.split(r", (?:or|which|with|over|and) |; ", write)[0]


@pytest.mark.parametrize("recorded", OPERATIONS, ids=lambda recorded: recorded["name"])
def test_what_to_write_computes_what_tfjs_does(recorded):
    arguments = {
        name: np.array(value, None if isinstance(value[0], bool) else np.int32 if name in INDICES else np.float32)
        if isinstance(value, list) and name not in ("shape", "paddings")
        else value
        for name, value in recorded["arguments"].items()
    }
    given = {
        name: jnp.asarray(a) if isinstance(a, np.ndarray) and name != "labels" else a for name, a in arguments.items()
    }
    value = eval(code_for(recorded["name"]), {"jnp": jnp, "jax": jax, "np": np} | given)
    if callable(value):
        value = value(*given.values())
    expected = np.array(recorded["value"]["values"], np.float32)
    assert np.size(value) == expected.size
    np.testing.assert_allclose(np.asarray(value, np.float32).ravel(), expected, rtol=2e-4, atol=1e-6)


def message(look_up):
    with pytest.raises(AttributeError) as caught:
        look_up()
    return str(caught.value)


@pytest.mark.parametrize(
    ("look_up", "said"),
    [
        (
            lambda: jtf.concat,
            "jtf has no 'concat': use jnp.concatenate (import jax.numpy as jnp); tensors are jax arrays.",
        ),
        (lambda: jtf.isNaN, "use jnp.isnan"),
        (lambda: jtf.one_hot, "use jax.nn.one_hot."),
        (lambda: jtf.OneHot, "use jax.nn.one_hot."),
        (lambda: jtf.add, "use jnp.add"),
        (lambda: jtf.tidy, "nothing has to be tidied up."),
        (lambda: jtf.linalg, "\n    bandPart: jnp.triu(jnp.tril(x, upper), -lower)\n"),
        (lambda: jtf.util, "createShuffledIndices: np.random.default_rng().permutation(n)\n"),
        (lambda: jtf.utils, "to_categorical: jax.nn.one_hot(labels, classes)\n"),
        (lambda: jtf.optimizers, "use jtf.train"),
        (lambda: jtf.Input, "jtf has no 'Input'; it is called 'input' here."),
        (lambda: jtf.Dense, "jtf has no 'Dense': use jtf.layers.Dense."),
        (lambda: jtf.earlyStopping, "jtf has no 'earlyStopping': use jtf.callbacks.early_stopping."),
        (
            lambda: jtf.layers.conv2dTranspose,
            "jtf.layers has no 'conv2dTranspose'; it is called 'conv2d_transpose' here.",
        ),
        (lambda: jtf.callbacks.earlyStopping, "it is called 'early_stopping' here."),
        (lambda: jtf.train.AdamW, "use optax.adamw"),
        (lambda: jtf.losses.BinaryCrossentropy, "use loss='binary_crossentropy' in compile"),
        (lambda: jtf.functional.matMul, "use jnp.matmul"),
        (lambda: jtf.variable([1.0]).matMul, "Variable has no 'matMul': use jnp.matmul"),
        (lambda: jtf.data.array([1]).forEachAsync, "Dataset has no 'forEachAsync': use for_each, or a plain for loop."),
        (
            lambda: objects()["Sequential"].trainOnBatch,
            "Sequential has no 'trainOnBatch'; it is called 'train_on_batch' here.",
        ),
        (lambda: objects()["Sequential"].optimizr, "Sequential has no 'optimizr'. Did you mean 'optimizer'?"),
        (lambda: objects()["Optimizer"].lr, "SGD has no 'lr': use learning_rate"),
        (lambda: jtf.loses, "jtf has no 'loses'. Did you mean 'losses'?"),
        (lambda: jtf.layers.dens, "Did you mean 'dense'?"),
        (lambda: jtf.nonsense, "jtf has no 'nonsense'."),
        (lambda: jtf.__nonsense__, "jtf has no '__nonsense__'."),
    ],
)
def test_answers(look_up, said):
    assert said in message(look_up)


def test_a_guess_is_a_name_for_users():
    for name in ("versio", "configurabl", "progres", "engin", "namin"):
        assert "mean" not in message(functools.partial(getattr, jtf, name))
    assert "mean" not in message(lambda: jtf.layers.scopez)


def test_public_namespaces_answer():
    public = set(re.findall(r"^from jtf import (\w+)", Path(jtf.__file__).read_text(), re.M)) | {"metrics"}
    assert {"layers", "callbacks", "vis"} < public
    for name in public:
        assert message(functools.partial(getattr, getattr(jtf, name), "nonsense")) == f"jtf.{name} has no 'nonsense'."


def test_python_adds_no_guess_of_its_own():
    for code in ("jtf.sinn", "jtf.layers.flatten().buildt"):
        done = subprocess.run(
            [sys.executable, "-c", f"import jtf; {code}"], capture_output=True, text=True, check=False
        )
        assert done.stderr.rstrip().splitlines()[-1].count("mean") <= 1


def test_the_table_is_read_by_the_first_error_only():
    code = (
        "import sys, jtf; print('jtf.hints' in sys.modules); hasattr(jtf, 'concat'); print('jtf.hints' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_properties_keep_their_own_errors():
    assert "has been connected in no model yet" in message(lambda: jtf.layers.flatten().output)

    class Own(jtf.layers.Layer):
        @property
        def wrong(self):
            return self.absent

    assert message(lambda: Own().wrong) == "Own has no 'absent'."


def test_attributes_in_the_spelling_of_tfjs_are_not_set():
    class Own(jtf.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supportsMasking = True

    for wrong, said in [
        (Own, "Own has no 'supportsMasking'; it is called 'supports_masking' here."),
        (lambda: setattr(objects()["Sequential"], "stopTraining", True), "it is called 'stop_training' here."),
        (lambda: setattr(objects()["Optimizer"], "learningRate", 1.0), "it is called 'learning_rate' here."),
        (lambda: setattr(objects()["Callback"], "onEpochEnd", print), "it is called 'on_epoch_end' here."),
    ]:
        assert said in message(wrong)


def test_capital_letters_are_names_of_their_own():
    class Own(jtf.layers.Layer):
        def __init__(self):
            super().__init__()
            self.w, self.W, self.Name = 1, 2, 3

    assert (Own().w, Own().W) == (1, 2)


def test_methods_in_the_spelling_of_tfjs_are_refused():
    with pytest.raises(TypeError, match=r"^Own.computeMask would never be called: name the method compute_mask\.$"):

        class Own(jtf.layers.Layer):
            def computeMask(self, inputs, mask):
                return mask

    with pytest.raises(TypeError, match=r"^Other.className would never be read: name it class_name\.$"):

        class Other(jtf.layers.Layer):
            className = "Other"


@pytest.mark.parametrize("name", ["Callback", "Dataset", "Layer", "Optimizer", "Variable"])
def test_objects_are_copied_as_ever(name):
    original = objects()[name]
    assert type(copy.copy(original)) is type(copy.deepcopy(original)) is type(original)
    if name != "Dataset":  # which holds functions
        assert type(pickle.loads(pickle.dumps(original))) is type(original)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: jtf.data.csv("a.csv", hasHeader=False), "csv has no argument 'hasHeader'. Did you mean 'has_header'?"),
        (lambda: jtf.load_layers_model("m", onProgress=print), "Did you mean 'on_progress'?"),
        (lambda: objects()["Sequential"].save("m", includeOptimizer=True), "Did you mean 'include_optimizer'?"),
        (
            lambda: jtf.callbacks.early_stopping(minDelta=1),
            "EarlyStopping has no argument 'minDelta'. Did you mean 'min_",
        ),
        (
            lambda: objects()["Sequential"].fit(0, 0, stepsPerEpoch=1),
            "use fit_dataset(dataset, batches_per_epoch=...).",
        ),
        (lambda: objects()["Sequential"].fit(0, 0, validation_steps=1), "use fit_dataset(dataset, validation_batches="),
        (lambda: asyncio.run(objects()["Sequential"].fit_async(0, 0, steps_per_epoch=1)), "fit_async has no argument"),
    ],
)
def test_arguments(call, said):
    with pytest.raises(TypeError) as caught:
        call()
    assert said in str(caught.value)


def test_errors_from_within_a_call_are_left_alone():
    @missing.knows_arguments
    def call(f, option=None):
        return f(wrong=option)

    assert call(lambda wrong: wrong, option=3) == 3
    with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"):
        call(lambda: None)
    with pytest.raises(
        TypeError, match=r"call has no argument 'Option'. Did you mean 'option'\? Arguments: f, option."
    ):
        call(len, Option=3)


def test_spellings():
    assert spelling("meanSquaredError", ["mean_squared_error", "MeanSquaredError"]) == "mean_squared_error"
    assert spelling("MeanSquaredError", ["mean_squared_error", "MeanSquaredError"]) == "MeanSquaredError"
    assert spelling("rmsprop", ["RMSProp"]) == "RMSProp"
    assert spelling("adam", ["adamax"]) is None
