"""The namespaces that jtf has not, with all that is in them."""

from __future__ import annotations

from collections.abc import Mapping

from jtf.hints.answers import (
    CLASSES,
    INSIDE,
    KERAS_INSIDE,
    PREPARE,
)

ABSENT: Mapping[str, Mapping[str, str]] = {
    "browser": {
        "plt.imshow(image)": "draw toPixels",
        "np.asarray(PIL.Image.open(path))": "fromPixels fromPixelsAsync",
    },
    "fused": {
        "x @ y + bias; XLA fuses operations by itself": "matMul",
        "jtf.functional.conv": "conv2d",
        "jtf.functional.depthwise_conv": "depthwiseConv2d",
    },
    "image": {
        "jtf.functional.{}": "resizeBilinear resizeNearestNeighbor",
        "images[:, :, ::-1]": "flipLeftRight",
        "jnp.repeat(images, 3, axis=-1)": "grayscaleToRGB",
        "images @ jnp.array([[0.2989], [0.587], [0.114]])": "rgbToGrayscale",
        "jnp.where(images > level, 255, 0)": "threshold",
        "jax.image.scale_and_translate": "cropAndResize",
        "jax.scipy.ndimage.map_coordinates": "rotateWithOffset transform",
        "nothing corresponds.": "nonMaxSuppression nonMaxSuppressionAsync nonMaxSuppressionPadded "
        "nonMaxSuppressionPaddedAsync nonMaxSuppressionWithScore nonMaxSuppressionWithScoreAsync",
    },
    "linalg": {
        "jnp.triu(jnp.tril(x, upper), -lower)": "bandPart",
        "jnp.linalg.qr(x.T)[0].T, which has the same rows up to their signs": "gramSchmidt",
        "jnp.linalg.{}": "qr",
    },
    "math": {"jnp.zeros((n, n), int).at[labels, predictions].add(1), or jtf.vis.confusion_matrix": "confusionMatrix"},
    "serialization": {
        "jtf.register_class": "registerClass",
        "jtf.layers.Layer, with its get_config and from_config": "Serializable",
        CLASSES: "SerializationMap getRegisteredName",
    },
    "signal": {
        "jnp.stack([x[i : i + length] for i in range(0, len(x) - length + 1, step)])": "frame",
        "0.54 - 0.46 * jnp.cos(2 * jnp.pi * jnp.arange(n) / (n - n % 2))": "hammingWindow",
        "0.5 - 0.5 * jnp.cos(2 * jnp.pi * jnp.arange(n) / (n - n % 2))": "hannWindow",
        "jnp.fft.rfft(frames * window), or jax.scipy.signal.stft": "stft",
    },
    "sparse": {
        "jax.ops.segment_sum(x[indices], segments)": "sparseSegmentSum",
        "jax.ops.segment_sum(x[indices], segments) over the counts, np.bincount(segments)": "sparseSegmentMean",
        "jax.experimental.sparse.BCOO for sparse arrays": "sparseFillEmptyRows sparseReshape",
    },
    "spectral": {"jnp.fft.{}": "fft ifft rfft irfft"},
    "string": {
        "re.sub": "staticRegexReplace",
        "str.split": "stringSplit",
        "Python's own strings, before they become numbers": "stringNGrams stringToHashBucketFast",
    },
    "util": {
        "np.random.default_rng().permutation(n)": "createShuffledIndices",
        "np.random.default_rng().shuffle(x)": "shuffle shuffleCombo",
        "time.perf_counter()": "now",
        "np.array_equal": "arraysEqual arraysEqualWithNull",
        "np.ravel": "flatten",
        "np.clip": "clamp",
        "math.prod(shape)": "sizeFromShape",
        "math.tanh": "tanh",
        "sum": "sum",
        "x.tolist()": "toNestedArray",
        "np.asarray": "toTypedArray createScalarValue",
        "np.zeros": "makeZerosNestedTypedArray makeZerosTypedArray",
        "np.ones": "makeOnesTypedArray",
        "np.result_type": "inferDtype",
        "np.unravel_index": "indexToLoc",
        "np.ravel_multi_index": "locToIndex",
        "random.uniform": "randUniform",
        "str.encode": "encodeString",
        "bytes.decode": "decodeString",
        "urllib.request.urlopen": "fetch",
        "isinstance": "isBoolean isFunction isInt isNumber isPromise isString isTypedArray",
        "assert": "assert assertNonNegativeIntegerDimensions assertNonNull assertShapesMatch",
        INSIDE: "bytesFromStringArray bytesPerElement checkConversionForErrors computeStrides "
        "convertBackendValuesAndArrayBuffer distSquared fingerPrint64 getArrayFromDType getTypedArrayFromDType "
        "hasEncodingLoss hexToLong inferFromImplicitShape isScalarShape isValidDtype nearestDivisor "
        "nearestLargerEven parseAxisParam repeatedTry rightPad sizeToSquarishShape squeezeShape swap",
    },
    "saving": {
        "jtf.load_layers_model(path)": "load_model",
        "model.save(path)": "save_model save_weights",
        "model.load_weights(path)": "load_weights",
        "jtf.register_class": "register_keras_serializable",
        CLASSES: "CustomObjectScope deserialize_keras_object get_custom_objects get_registered_name "
        "get_registered_object serialize_keras_object",
        KERAS_INSIDE: "KerasFileEditor",
    },
    "utils": {
        "jax.nn.one_hot(labels, classes)": "to_categorical",
        "jtf.set_seed(seed)": "set_random_seed",
        "np.pad": "pad_sequences",
        "model.summary()": "plot_model model_to_dot",
        "x / np.linalg.norm(x, axis=-1, keepdims=True)": "normalize",
        "validation_split= in fit, or dataset.take(n) and dataset.skip(n)": "split_dataset",
        "jtf.data.generator, whose dataset fit_dataset takes": "PyDataset Sequence",
        "jtf.register_class": "register_keras_serializable",
        "np.asarray(PIL.Image.open(path))": "img_to_array load_img",
        "plt.imsave(path, image)": "array_to_img save_img",
        "urllib.request.urlretrieve": "get_file",
        "jax.clear_caches(), seldom needed": "clear_session",
        "verbose=0 in fit": "Progbar disable_interactive_logging enable_interactive_logging "
        "is_interactive_logging_enabled",
        PREPARE: "FeatureSpace audio_dataset_from_directory bounding_boxes image_dataset_from_directory "
        "text_dataset_from_directory timeseries_dataset_from_array",
        CLASSES: "CustomObjectScope deserialize_keras_object get_custom_objects get_registered_name "
        "get_registered_object serialize_keras_object",
        KERAS_INSIDE: "Config get_source_inputs is_keras_tensor legacy pack_x_y_sample_weight standardize_dtype "
        "unpack_x_y_sample_weight",
    },
}
