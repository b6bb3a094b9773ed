"""The attributes and methods of objects, by class; a class has those of its bases."""

from __future__ import annotations

from collections.abc import Mapping

from jtf.hints.answers import (
    INSIDE,
    KERAS_INSIDE,
    MEMORY,
    PRECISION,
    STEP,
)

MEMBERS: Mapping[str, Mapping[str, str]] = {
    "Callback": {
        "self.model, which fit sets": "model",
        "the values in logs, such as logs['val_loss']": "validationData",
        "evaluate and predict call no callbacks.": "on_predict_batch_begin on_predict_batch_end on_predict_begin "
        "on_predict_end on_test_batch_begin on_test_batch_end on_test_begin on_test_end",
    },
    "History": {"history, which has plain numbers already": "syncData"},
    "Dataset": {
        "for_each, or a plain for loop": "forEachAsync",
        "map": "mapAsync",
        "to_array": "toArrayForTest",
    },
    "Layer": {
        "activity_regularizer= where the layer is made": "activityRegularizer",
        "weights= where the layer is made": "initialWeights",
        "class_name": "getClassName",
        "losses": "calculateLosses",
        "name": "id path",
        "weights": "variables",
        "trainable_weights": "trainable_variables",
        "non_trainable_weights": "non_trainable_variables",
        "compute_output_shape(input_shape)": "output_shape compute_output_spec",
        "inbound_nodes, with one entry for each call on symbolic tensors": "getInputAt getOutputAt outboundNodes",
        "add_weight": "add_variable",
        "get_config and from_config": "build_from_config get_build_config",
        "dtype": "compute_dtype variable_dtype input_dtype",
        "get_weights and set_weights": "load_own_variables save_own_variables",
        "model.functional(), whose init and apply are pure functions": "stateless_call",
        "add_loss, and metrics= in compile": "add_metric metrics metrics_variables",
        "jax.checkpoint": "rematerialized_call",
        "assign to a Variable in call; there is no list of updates.": "updates",
        MEMORY: "dispose",
        PRECISION: "dtype_policy",
        "model.save(path, dtype='uint8'), which stores fewer bytes": "quantize",
        INSIDE: "clearCallHook setCallHook setFastWeightInitDuringBuild",
        KERAS_INSIDE: "quantization_mode quantized_build quantized_call symbolic_call",
    },
    "LayersModel": {
        "get_layer(name)": "findLayer",
        "predict, or the model itself, which is a function": "execute",
        "fit": "fitLoop",
        "input_shapes": "input_shape",
        "output_shapes": "output_shape",
        "evaluate(x, y)": "test_on_batch",
        "metrics_names, and what is given to compile(metrics=...)": "metrics lossFunctions metricsTensors",
        "compile(loss=...), which chooses it": "loss",
        "compile(...)": "compile_from_config get_compile_config loadTrainingConfig",
        "save(path), which writes weights and all": "save_weights",
        "save(path) and, for a page in the browser, jtf.io.export_page": "export",
        "variables, a pytree that can be read and set": "get_state_tree set_state_tree",
        STEP: "compute_loss compute_loss_and_updates compute_metrics predict_step stateless_compute_loss test_step "
        "train_step make_predict_function make_test_function make_train_function",
        "every run of fit starts its metrics anew.": "get_metrics_result reset_metrics",
        "jax.disable_jit(), within which nothing is compiled": "jit_compile run_eagerly",
        INSIDE: "containerNodes feedInputShapes inputLayers inputLayersNodeIndices inputLayersTensorIndices "
        "internalContainerRefs layersByDepth nodesByDepth outputLayers outputLayersNodeIndices "
        "outputLayersTensorIndices",
        KERAS_INSIDE: "get_quantization_layer_structure jax_state_sync",
    },
    "Optimizer": {
        "learning_rate": "lr setLearningRate",
        "class_name": "getClassName",
        "iterations": "saveIterations",
        "apply_gradients": "apply update_step assign assign_add assign_sub",
        "model.save(path, include_optimizer=True), which keeps the state": "getWeights setWeights load_own_variables "
        "save_own_variables variables",
        "functional optimizers, such as those of optax: init and update": "stateless_apply",
        "optax.adamw(rate, mask=...)": "exclude_from_weight_decay",
        "a larger loss in f": "scale_loss",
        MEMORY: "dispose",
        "the state is made when it is needed.": "build add_optimizer_variables add_variable "
        "add_variable_from_reference finalize_variable_values",
    },
    "Variable": {
        "np.asarray(v) for a numpy array, or v.tolist()": "array arraySync data dataSync buffer bufferSync numpy",
        "v.read()": "value dataToGPU",
        "v.assign(v + x)": "assign_add",
        "v.assign(v - x)": "assign_sub",
        "v.reshape(...)": "as1D as2D as3D as4D as5D asScalar reshapeAs",
        "v.astype(dtype)": "asType toBool toFloat toInt",
        "v.ndim": "rank rankType",
        "v.nbytes": "bytes",
        "str(v)": "toString",
        "v.name": "id path",
        "jtf.{}": "elu leakyRelu logSoftmax prelu print relu relu6 selu sigmoid softmax softplus tanh variable",
        "the regularizer of the layer that made it": "regularizer",
        INSIDE: "dataId isDisposed kept strides throwIfDisposed",
        KERAS_INSIDE: "aggregation overwrite_with_gradient synchronization",
    },
}
