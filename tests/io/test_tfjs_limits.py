"""What `save` refuses since TF.js cannot open it or predicts something else: the real TF.js is seen to."""

from __future__ import annotations

import numpy as np
import pytest

import jtf
from jtf.io.tfjs_limits import LIMITS
from tests.in_tfjs import arrays, differs, has_failed, put_case, results, run_in_tfjs
from tests.io.tfjs_limits_cases import CASES, IMAGE, L, inputs_for, one

pytestmark = pytest.mark.usefixtures("compiled_in_a_hurry")


@pytest.fixture(scope="module")
def models():
    """The models, their weights of such values as training might have left."""
    made = {name: make() for name, make in CASES.items()}
    rng = np.random.default_rng(0)
    for name, model in made.items():
        if name != "constraint":
            model.set_weights([rng.uniform(0.1, 0.9, w.shape).astype(w.dtype) for w in model.weights])
    return made


@pytest.fixture(scope="module")
def in_tfjs(models, tmp_path_factory):
    """A directory for each of them, with what TF.js has made of it."""
    directory = tmp_path_factory.mktemp("limits")
    for name, model in models.items():
        model.save(directory / name, target="jtf")
        put_case(directory / name, inputs_for(model))
    run_in_tfjs(directory)
    return directory


@pytest.mark.parametrize("name", CASES)
def test_tfjs_fails_on_what_is_refused(name, models, in_tfjs):
    if has_failed(in_tfjs / name):
        return
    found = results(in_tfjs / name)
    inputs = inputs_for(models[name])
    assert differs(found, arrays(models[name].predict(inputs if len(inputs) > 1 else inputs[0])))


@pytest.mark.parametrize("name", CASES)
def test_what_tfjs_cannot_open_is_saved_for_jtf_only(name, models, tmp_path):
    with pytest.raises(ValueError, match="cannot open") as caught:
        models[name].save(tmp_path / "model")
    first, *found, last = str(caught.value).splitlines()
    assert first.startswith(f"TF.js cannot open model {models[name].name!r}")
    assert len(found) == 1, "each case is about one thing"
    assert "target='jtf'" in last
    assert not (tmp_path / "model").exists()
    models[name].save(tmp_path / "model", target="jtf")


def test_there_is_a_case_for_each_limit(models, tmp_path):
    messages = []
    for model in models.values():
        with pytest.raises(ValueError, match="cannot open") as caught:
            model.save(tmp_path / "model")
        messages.append(str(caught.value))
    for limit in LIMITS:
        assert any(limit.lacks in message and limit.mend in message for message in messages), limit


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("causal", r"Layer 'conv1d_Conv1D\d+' \(Conv1D\): padding='causal' fails"),
        ("reset-after-in-cells", r"\(GRUCell\): reset_after is refused. Use reset_after=False"),
        ("class", r"the class Own has no name in files. Make it known by jtf.register_class\(Own\), and its namesake"),
        ("class-of-an-initializer", r"\(Dense\): the class OwnInitializer has no name in files. Use one of jtf's own"),
        ("weights-of-one-name", "Several weights are called 'same/kernel', and TF.js goes by names"),
        ("constraint", r"'dense_.*/kernel' does not keep its constraint NonNeg\(\), which TF.js applies"),
        ("name-of-javascript", r"Layer 'constructor' \(Dense\): the name is taken in JavaScript"),
        ("input-dtype", "an input's dtype is float32, int32, bool; not uint8"),
    ],
)
def test_what_is_said(name, message, models, tmp_path):
    with pytest.raises(ValueError, match=message):
        models[name].save(tmp_path / "model")


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    model = jtf.sequential(
        [L.elu(alpha=2, input_shape=[3]), L.dense(units=2, activity_regularizer="l1_l2"), L.elu(alpha=3)]
    )
    with pytest.raises(ValueError, match="cannot open") as caught:
        model.save(tmp_path / "model")
    assert [line.split("'")[1] for line in str(caught.value).splitlines()[1:-1]] == [w.name for w in model.layers]


def test_a_constraint_that_is_kept_is_no_obstacle(models, tmp_path):
    model = models["constraint"]
    kernel = model.weights[0]
    before = np.asarray(kernel)
    kernel.assign(kernel.constraint(kernel.read()))
    model.save(tmp_path / "tfjs")
    kernel.assign(before)


def test_what_is_left_to_the_user(tmp_path):
    """A class that is registered has a namesake in TF.js, and its options and what is in it are that one's own."""

    class Doubled(jtf.layers.Dense):
        def __init__(self, doubled, **options):
            super().__init__(units=2, activity_regularizer="l1_l2", **options)
            self.own = L.elu(alpha=3)

        def call(self, inputs):
            return 2 * self.own(super().call(inputs))

        def get_config(self):
            return {"name": self.name, "doubled": True}

    jtf.register_class(Doubled)
    try:
        one(Doubled(doubled=True), (3,)).save(tmp_path / "model")
    finally:
        del jtf.layers.base.registry.classes["Doubled"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: one(
            L.separable_conv2d(filters=2, kernel_size=2, use_bias=False, data_format="channelsFirst"), (2, 4, 4)
        ),
        lambda: one(L.time_distributed(layer=L.resizing(height=2, width=2)), (2, *IMAGE)),
        lambda: jtf.sequential([L.reshape(target_shape=IMAGE, input_shape=IMAGE), L.center_crop(height=2, width=2)]),
        lambda: one(L.dot(axes=(-1, -2)), (2, 3), (3, 4)),
        lambda: one(L.time_distributed(layer=L.dense(units=2, activity_regularizer="l1_l2")), (3, 2)),
        lambda: one(L.rescaling(scale=1), (3,), dtype="int32"),
    ],
)
def test_what_is_near_a_limit_is_saved(make, tmp_path):
    """What TF.js can do is not refused; the catalogue has more, in test_in_tfjs.py."""
    make().save(tmp_path / "model")
