"""Convolution and pooling, and what cuts, pads and enlarges images, against recordings of TensorFlow.js."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf import functional as F
from jtf.layers.base import registry
from tests.corpus import cases

CASES = cases("tfjs_convolution.json.gz")
LAYERS = [pytest.param(case, id=case["id"]) for case in CASES if "className" in case]
RESIZINGS = [pytest.param(case, id=case["id"]) for case in CASES if "op" in case]

L = jtf.layers


def ramp(shape):
    """A weight for each result, as in the recording."""
    size = int(np.prod(shape))
    return jnp.asarray(np.linspace(0.5, 1.5, max(size, 2))[:size].reshape(shape), jnp.float32)


def close(actual, expected, **tolerance):
    np.testing.assert_allclose(actual, expected, **{"rtol": 1e-4, "atol": 1e-5, **tolerance})


class TestRecordings:
    @pytest.mark.parametrize("case", LAYERS)
    def test_layer(self, case):
        layer = L.deserialize(case)
        assert layer.get_config() == case["config"]
        for name in [name for name in vars(layer) if name.endswith("_initializer")]:
            setattr(layer, name, jtf.initializers.zeros())  # quicker than random weights, which would be replaced
        x = jnp.asarray(case["input"])
        layer.ensure_built(x.shape)
        layer.set_weights(case["weights"])
        assert layer.compute_output_shape((None, *x.shape[1:])) == tuple(case["shape"])

        lifted = jtf.lift(layer, layer.weights)

        def loss(values, x):
            y, _ = lifted(values, x)
            return jnp.sum(y * ramp(y.shape)), y

        ((_, y), grads) = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(layer.get_weights(), x)
        close(y, case["output"])
        if case["inputGradient"] is not None:
            jax.tree.map(close, grads, (case["weightGradients"], case["inputGradient"]))

    def test_every_class_is_recorded_with_gradients(self):
        recorded = {case["className"] for case in CASES if case["inputGradient"] is not None and "className" in case}
        modules = (jtf.layers.convolution, jtf.layers.depthwise, jtf.layers.pooling, jtf.layers.images)
        here = {name for module in modules for name in vars(module) if name in registry.classes}
        assert here - recorded == {"Conv3DTranspose"}, "which TF.js cannot differentiate"

    @pytest.mark.parametrize("case", RESIZINGS)
    def test_resizing(self, case):
        resize = F.resize_bilinear if case["op"] == "resizeBilinear" else F.resize_nearest_neighbor
        x, size = jnp.asarray(case["input"]), case["size"]
        y, pullback = jax.vjp(lambda x: resize(x, size, case["alignCorners"], case["halfPixelCenters"]), x)
        close(y, case["output"], rtol=1e-6, atol=1e-6)
        if case["inputGradient"] is not None:
            close(pullback(ramp(y.shape))[0], case["inputGradient"])


class TestErrors:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: L.conv1d(filters=0, kernel_size=1), "Conv1D's filters is a positive integer; received 0"),
            (lambda: L.conv2d(filters=2.5, kernel_size=1), "Conv2D's filters is a positive integer; received 2.5"),
            (
                lambda: L.conv2d(filters=1, kernel_size=[3]),
                r"Conv2D: kernel_size must be a positive integer or a list of 2; received \[3\]",
            ),
            (
                lambda: L.conv1d(filters=1, kernel_size=0),
                "Conv1D's kernel_size is a positive integer or a list .*; received 0",
            ),
            (lambda: L.conv1d(filters=1, kernel_size="3"), "a positive integer or a list .*; received '3'"),
            (lambda: L.conv3d(filters=1, kernel_size=2, strides=[1, 2]), "Conv3D: strides must be .* a list of 3"),
            (lambda: L.conv3d(filters=1, kernel_size=2, dilation_rate=True), "dilation_rate is .* received True"),
            (
                lambda: L.conv2d(filters=1, kernel_size=1, padding="causal"),
                "Conv2D's padding is 'valid' or 'same'; received 'causal'",
            ),
            (lambda: L.conv1d(filters=1, kernel_size=1, padding="casual"), "Did you mean 'causal'"),
            (lambda: L.conv2d(filters=1, kernel_size=1, data_format="NHWC"), "data_format is 'channelsLast' or"),
            (lambda: L.conv2d(filters=1, kernel_size=1, data_format=1), "data_format is .* received 1"),
            (lambda: L.conv2d(filters=3, kernel_size=1, groups=2), r"filters \(3\) are a multiple of its groups \(2\)"),
            (lambda: L.conv2d(filters=2, kernel_size=1, groups=0), "groups is a positive integer"),
            (
                lambda: L.conv2d_transpose(filters=1, kernel_size=1, dilation_rate=2),
                r"Conv2DTranspose has no dilation_rate but 1; received \[2, 2\]",
            ),
            (lambda: L.depthwise_conv2d(kernel_size=2, depth_multiplier=0), "depth_multiplier is a positive integer"),
            (
                lambda: L.separable_conv2d(filters=2, kernel_size=2, kernel_initializer="ones"),
                "SeparableConv2D has no option 'kernel_initializer'",
            ),
            (lambda: L.cropping2d(cropping=-1), "Cropping2D's cropping is a number of pixels, .* received -1"),
            (lambda: L.cropping2d(cropping=[1, 2, 3]), "cropping is a number of pixels"),
            (lambda: L.cropping2d(cropping=[[1, 2], [3]]), "cropping is a number of pixels"),
            (lambda: L.zero_padding2d(padding=[[1, 2], [3, 0.5]]), "ZeroPadding2D's padding is a number of pixels"),
            (lambda: L.zero_padding2d(padding="same"), "padding is a number of pixels"),
            (lambda: L.up_sampling2d(size=0), "UpSampling2D's size is a positive integer"),
            (lambda: L.up_sampling2d(interpolation="bilinar"), "'nearest' or 'bilinear'.* Did you mean 'bilinear'"),
        ],
    )
    def test_options(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()

    @pytest.mark.parametrize(
        ("layer", "shape", "message"),
        [
            (
                L.conv2d(filters=1, kernel_size=[3, 5], name="mine"),
                (1, 8, 4, 1),
                r"Layer 'mine' \(Conv2D\): the window of \(3, 5\) does not fit into a space of \(8, 4\).*'same'",
            ),
            (L.conv1d(filters=1, kernel_size=3, dilation_rate=2), (1, 4, 1), r"dilated by \(2,\) does not fit"),
            (L.depthwise_conv2d(kernel_size=2), (1, 1, 4, 1), r"\(DepthwiseConv2D\): the window of \(2, 2\)"),
            (L.conv2d(filters=1, kernel_size=3), (8, 4, 1), "expects an input with 4 dimensions"),
            (L.conv2d(filters=2, kernel_size=1, groups=2), (1, 1, 1, 3), "a multiple of groups=2 channels; received 3"),
            (L.cropping2d(cropping=[0, 2]), (1, 5, 4, 1), r"would leave nothing of an input of shape \(1, 5, 4, 1\)"),
            (L.up_sampling2d(), (1, 2, 3), "expects an input with 4 dimensions"),
        ],
    )
    def test_inputs(self, layer, shape, message):
        with pytest.raises(ValueError, match=message):
            layer(jnp.zeros(shape))
        assert not layer.weights

    def test_a_built_layer_refuses_what_does_not_fit(self):
        layer = L.conv2d(filters=1, kernel_size=3, name="mine")
        layer.ensure_built((None, None, None, 2))
        with pytest.raises(ValueError, match=r"Layer 'mine' \(Conv2D\): the window of \(3, 3\) does not fit"):
            layer(jnp.zeros((1, 2, 5, 2)))
        with pytest.raises(ValueError, match="size 2 along axis 3"):
            layer(jnp.zeros((1, 5, 5, 3)))

    @pytest.mark.parametrize(
        "make", [lambda: L.conv2d(filters=2, kernel_size=1), lambda: L.separable_conv2d(filters=2, kernel_size=1)]
    )
    def test_unknown_channels(self, make):
        with pytest.raises(ValueError, match="has an unknown dimension"):
            make().ensure_built((None, 4, 4, None))


def random(*shape):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)


class TestValues:
    def test_causal_convolutions_do_not_look_ahead(self):
        layer = L.conv1d(filters=2, kernel_size=3, dilation_rate=2, padding="causal", bias_initializer="ones")
        x = random(1, 9, 2)
        y = layer(x)
        assert y.shape == (1, 9, 2)
        close(layer(x.at[:, 6:].set(99.0))[:, :6], y[:, :6])
        valid = L.conv1d(filters=2, kernel_size=3, dilation_rate=2, weights=layer.get_weights())
        close(valid(jnp.pad(x, [(0, 0), (4, 0), (0, 0)])), y)

    @pytest.mark.parametrize(
        ("factory", "options", "rank"),
        [
            ("conv1d", {"filters": 3, "kernel_size": 2, "padding": "causal"}, 1),
            ("conv2d", {"filters": 2, "kernel_size": 2, "strides": [1, 2], "groups": 2}, 2),
            ("separable_conv2d", {"filters": 3, "kernel_size": 2, "bias_initializer": "ones"}, 2),
            ("depthwise_conv2d", {"kernel_size": [2, 1], "depth_multiplier": 2, "bias_initializer": "randomNormal"}, 2),
            ("max_pooling1d", {"pool_size": 3, "strides": 1}, 1),
            ("average_pooling1d", {"padding": "same"}, 1),
        ],
    )
    def test_channels_first_is_channels_last_with_other_axes(self, factory, options, rank):
        make = getattr(L, factory)
        last, first = make(**options), make(**options, data_format="channelsFirst")
        x = random(2, 5, 4, 2) if rank == 2 else random(2, 5, 2)
        first.ensure_built(jnp.moveaxis(x, -1, 1).shape)
        last.ensure_built(x.shape)
        first.set_weights(last.get_weights())
        close(jnp.moveaxis(first(jnp.moveaxis(x, -1, 1)), 1, -1), last(x))

    def test_an_activation_is_applied_to_the_output(self):
        x = random(1, 3, 3, 2)
        layer = L.conv2d(filters=2, kernel_size=2, activation=lambda y: y * 0 + 5)
        assert np.unique(layer(x)).tolist() == [5.0]

    def test_activity_regularizer_is_a_mean_over_the_batch(self):
        layer = L.conv1d(filters=1, kernel_size=1, kernel_initializer="ones", activity_regularizer="l2", use_bias=False)
        with jtf.layers.scopes.collect_losses() as losses:
            layer(jnp.array([[[1.0], [2.0]], [[3.0], [0.0]]]))
        close(losses, [0.01 * 14 / 2])

    def test_depthwise_dilation_is_heeded(self):
        kernel = random(2, 2, 1, 1)
        layer = L.depthwise_conv2d(kernel_size=2, dilation_rate=2, weights=[kernel], use_bias=False)
        spread = jnp.zeros((3, 3, 1, 1)).at[::2, ::2].set(kernel)
        x = random(1, 4, 5, 1)
        close(layer(x), L.conv2d(filters=1, kernel_size=3, weights=[spread], use_bias=False)(x))

    def test_separable_initializers_are_each_heeded(self):
        layer = L.separable_conv2d(
            filters=2, kernel_size=2, depthwise_initializer="zeros", pointwise_initializer="ones", use_bias=False
        )
        layer.ensure_built((None, 3, 3, 2))
        depthwise, pointwise = layer.get_weights()
        assert not np.any(depthwise)
        assert np.all(pointwise == 1)

    def test_a_file_of_tfjs_with_a_regularizer_in_the_place_of_a_constraint(self):
        l1l2 = {"className": "L1L2", "config": {"l1": 0.01, "l2": 0.01}}
        config = {"kernelSize": [2, 2], "depthwiseRegularizer": l1l2, "depthwiseConstraint": l1l2}
        layer = L.deserialize({"className": "DepthwiseConv2D", "config": config})
        assert layer.depthwise_regularizer is not None
        assert layer.depthwise_constraint is None
        config["depthwiseConstraint"] = "nonNeg"
        assert L.deserialize({"className": "DepthwiseConv2D", "config": config}).depthwise_constraint is not None

    def test_what_tfjs_does_not_write_is_written_only_where_it_matters(self):
        assert not {"groups"} & L.conv2d(filters=2, kernel_size=1).get_config().keys()
        assert L.conv2d(filters=2, kernel_size=1, groups=2).get_config()["groups"] == 2
        assert L.conv1d(filters=2, kernel_size=1, data_format="channelsFirst").get_config()["dataFormat"]
        assert L.separable_conv2d(filters=2, kernel_size=1, depth_multiplier=3).get_config()["depthMultiplier"] == 3

    def test_options_of_keras(self):
        config = {
            "filters": 4,
            "kernel_size": (3, 3),
            "strides": (1, 1),
            "padding": "same",
            "data_format": "channels_last",
            "dilation_rate": (1, 1),
            "groups": 1,
            "activation": "linear",
            "use_bias": True,
        }
        layer = L.deserialize({"class_name": "Conv2D", "config": config})
        assert layer.get_config()["dataFormat"] == "channelsLast"
        assert layer.compute_output_shape((None, 5, None, 1)) == (None, 5, None, 4)
        transposed = {**config, "output_padding": None}
        assert L.deserialize({"class_name": "Conv2DTranspose", "config": transposed}).filters == 4
        assert L.deserialize({"class_name": "SeparableConv2D", "config": config}).filters == 4
        del config["filters"]
        assert L.deserialize({"class_name": "DepthwiseConv2D", "config": config}).depth_multiplier == 1
        with pytest.raises(ValueError, match="saved with groups=2, which jtf does not have"):
            L.deserialize({"class_name": "DepthwiseConv2D", "config": {**config, "groups": 2}})
