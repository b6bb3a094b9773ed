"""The names of namespaces that jtf has."""

from __future__ import annotations

from collections.abc import Mapping

from jtf.hints.answers import (
    AVG_POOL,
    BROWSER,
    DEVICE,
    DIRECTORIES,
    FILES,
    GRAPH_MODEL,
    INSIDE,
    KERAS_INSIDE,
    KERNEL,
    MAX_POOL,
    MEMORY,
    NO_DATA,
    NO_MODELS,
    OWN_CALLBACK,
    OWN_LAYER,
    OWN_LOSS,
    OWN_METRIC,
    PRECISION,
    PREPARE,
    RAGGED,
    SETTINGS,
    SHARDING,
)

#: By namespace; "" is jtf itself.
NAMESPACES: Mapping[str, Mapping[str, str]] = {
    "": {
        # Operations. Several have axis=0 by default in TF.js, where jax.numpy takes the whole array.
        "jnp.{}": "abs acos acosh add all any asin asinh atan atan2 atanh bincount bitwiseAnd broadcastTo ceil cos "
        "cosh dot einsum equal exp expandDims expm1 eye floor greater greaterEqual identity imag isFinite isInf "
        "isNaN less lessEqual linspace log log1p logicalAnd logicalNot logicalOr logicalXor matMul max maximum mean "
        "meshgrid min minimum mod multiply notEqual ones onesLike pad pow prod real reciprocal reshape round sign "
        "sin sinh sqrt square squeeze stack sum tan tile transpose unstack where zeros zerosLike",
        "jnp.argmax(x, axis=0)": "argMax",
        "jnp.argmin(x, axis=0)": "argMin",
        "jnp.cumsum(x, axis=0)": "cumsum",
        "jnp.cumprod(x, axis=0)": "cumprod",
        "jnp.concatenate": "concat concat1d concat2d concat3d concat4d",
        "jnp.flip": "reverse reverse1d reverse2d reverse3d reverse4d",
        "jnp.pad(x, paddings)": "pad1d pad2d pad3d pad4d padV2",
        "jnp.pad(x, paddings, mode='reflect'), or mode='symmetric'": "mirrorPad",
        "jnp.split, which takes the places to split at: np.cumsum(sizes)[:-1]": "split splitV",
        "jnp.stack": "pack",
        "jnp.unstack": "unpack",
        "jnp.diag, which makes matrices": "diag",
        "jnp.bincount": "denseBincount",
        "jnp.copy; arrays never change, so that there is little need of copies": "clone",
        "jnp.full": "fill",
        "jnp.arange": "range",
        "x + y, or sum(arrays)": "addN",
        "x - y, or jnp.subtract": "sub",
        "x * y, or jnp.multiply": "mul",
        "x / y, or jnp.divide": "div realDiv",
        "x // y, or jnp.floor_divide": "floorDiv",
        "-x, or jnp.negative": "neg",
        "(x - y) ** 2": "squaredDifference",
        "jnp.where(y == 0, 0.0, x / jnp.where(y == 0, 1.0, y))": "divNoNan",
        "x @ y, or jnp.matmul": "batchMatMul",
        "jnp.abs": "complexAbs",
        "jnp.clip": "clipByValue",
        "jnp.outer": "outerProduct",
        "jnp.where": "select",
        "jnp.where(x > 0, 1.0, alpha)": "step",
        "jnp.argwhere": "whereAsync",
        "jnp.take(x, indices, axis=0)": "gather gatherV2",
        "jnp.unique(x, return_inverse=True)": "unique",
        "jnp.setdiff1d": "setdiff1dAsync",
        "jnp.searchsorted, with side='right' for upper bounds": "searchSorted lowerBound upperBound",
        "jnp.linalg.norm": "norm euclideanNorm",
        "jnp.broadcast_shapes(x.shape, y.shape)": "broadcastArgs",
        "jnp.promote_types": "sumOutType upcastType",
        "jnp.fft.{}": "fft ifft rfft irfft",
        "jax.nn.{}": "logSigmoid oneHot",
        "jax.nn.logsumexp": "logSumExp",
        "jax.lax.{}": "complex erf rsqrt",
        "jax.lax.top_k": "topk",
        "jax.ops.segment_sum": "unsortedSegmentSum",
        "x.astype(dtype)": "cast",
        "x[begin : begin + size]": "slice slice1d slice2d slice3d slice4d",
        "x[begin:end:step]": "stridedSlice",
        "x[mask]": "booleanMaskAsync",
        "x[tuple(jnp.moveaxis(indices, -1, 0))]": "gatherND",
        "jnp.zeros(shape).at[tuple(jnp.moveaxis(indices, -1, 0))].add(updates)": "scatterND",
        "x.at[tuple(jnp.moveaxis(indices, -1, 0))].set(updates)": "tensorScatterUpdate",
        "jnp.full(shape, default, values.dtype).at[tuple(jnp.moveaxis(indices, -1, 0))].set(values)": "sparseToDense",
        "(jax.lax.top_k(predictions, k)[1] == targets[..., None]).any(-1)": "inTopKAsync",
        "a - b * jnp.cos(2 * jnp.pi * jnp.arange(n) / (n - n % 2))": "cosineWindow",
        "x.reshape(...) and x.transpose(...)": "batchToSpaceND spaceToBatchND depthToSpace",
        "assert x.shape == shape": "ensureShape",
        "any Python function of arrays is an operation.": "op",
        RAGGED: "raggedGather raggedRange raggedTensorToTensor",
        # Operations of neural networks.
        "jtf.functional.conv({'kernel': kernel}, x, ...); the layer is jtf.layers.{}": "conv1d conv2d conv3d",
        "jtf.functional.conv_transpose({'kernel': kernel}, x, ...); the layer is jtf.layers.{}": "conv2dTranspose "
        "conv3dTranspose",
        "jtf.functional.depthwise_conv; the layer is jtf.layers.depthwise_conv2d": "depthwiseConv2d "
        "depthwiseConv2dNative",
        "jtf.functional.separable_conv; the layer is jtf.layers.separable_conv2d": "separableConv2d",
        MAX_POOL: "maxPool maxPool3d",
        AVG_POOL: "avgPool avgPool3d",
        f"{MAX_POOL} or {AVG_POOL}": "pool",
        f"{MAX_POOL}, which does not say where the maxima were": "maxPoolWithArgmax",
        "jtf.functional.{}": "dropout moments resizeBilinear resizeNearestNeighbor",
        "jtf.functional.batch_normalization(params, x)": "batchNorm batchNorm2d batchNorm3d batchNorm4d fusedBatchNorm",
        "jtf.functional.lstm_cell; the layer is jtf.layers.lstm": "basicLSTMCell multiRNNCell",
        "jax.lax.conv_general_dilated_patches, then the largest of patch + filter": "dilation2d",
        "jax.lax.reduce_window for the sums of x ** 2 over neighbours": "localResponseNormalization LRN",
        # Arrays, memory, devices and time.
        "jnp.array([[1.0, 2.0]]), or give numpy arrays and lists to models as they are": "tensor tensor1d tensor2d "
        "tensor3d tensor4d tensor5d tensor6d scalar",
        "a numpy array, np.zeros(shape), to fill, and then jnp.asarray of it": "buffer TensorBuffer",
        MEMORY: "tidy dispose disposeVariables keep memory",
        DEVICE: "backend findBackend findBackendFactory getBackend registerBackend removeBackend setBackend device",
        SETTINGS: "env Environment config",
        "jax.config.update('jax_debug_nans', True)": "enableDebugMode",
        "nothing has to be switched off for speed.": "enableProdMode",
        "nothing has to be waited for before JAX can be used.": "ready",
        "time.perf_counter() around x.block_until_ready(), or jax.profiler.trace(directory)": "profile time",
        "await model.fit_async(...), which lets other tasks run": "nextFrame",
        "warnings.filterwarnings": "deprecationWarn disableDeprecationWarnings",
        "jtf.__version__": "version_core version_layers version_converter version_cpu version_webgl",
        # Models, variables and training.
        "jtf.random_uniform": "rand",
        "average.assign(decay * average + (1 - decay) * x), where average = jtf.variable(...)": "movingAverage",
        "jtf.Variable": "LayerVariable",
        "jtf.train.SGD": "SGDOptimizer",
        "jtf.train.Momentum": "MomentumOptimizer",
        "jtf.train.Adagrad": "AdagradOptimizer",
        "jtf.train.Adadelta": "AdadeltaOptimizer",
        "jtf.train.Adam": "AdamOptimizer",
        "jtf.train.Adamax": "AdamaxOptimizer",
        "jtf.train.RMSProp": "RMSPropOptimizer",
        "jtf.train, such as jtf.train.adam(0.001)": "optimizers OptimizerConstructors",
        "jtf.callbacks.LambdaCallback, or a dict of functions": "CustomCallback",
        "callbacks=[...] in every call of fit": "registerCallbackConstructor",
        "jtf.input(shape=[...]), which makes one": "SymbolicTensor KerasTensor",
        GRAPH_MODEL: "GraphModel loadGraphModel loadGraphModelSync registerOp deregisterOp",
        # Only Keras has these.
        "jtf itself, with jtf.sequential, jtf.layers and, for the optimizers, jtf.train": "keras",
        "jtf.model(inputs=..., outputs=...)": "Function",
        OWN_LOSS: "Loss",
        OWN_METRIC: "Metric",
        "any function of the weight as a regularizer, or jtf.regularizers.l2": "Regularizer",
        "jax.checkpoint(f), which computes again what it does not keep": "remat RematScope",
        "jax.named_scope": "name_scope",
        "jtf.lift, which makes a function over Variables pure": "StatelessScope",
        "jax.numpy for functions of the same name (jnp.concatenate), jax.nn for activations, jtf.functional for "
        "convolutions": "ops",
        "jax.tree": "tree",
        PRECISION: "DTypePolicy FloatDTypePolicy dtype_policies mixed_precision",
        SHARDING: "distribution",
        NO_MODELS: "applications",
        PREPARE: "preprocessing",
        FILES: "export legacy",
        "plt.imshow(image), of matplotlib": "visualization",
        KERAS_INSIDE: "Operation Quantizer SymbolicScope distillation quantizers wrappers",
        # Insides.
        "np.testing.assert_allclose": "test_util",
        INSIDE: "backend_util broadcast_util device_util gather_util gpgpu_util scatter_util slice_util tensor_util "
        "webgl_util kernel_impls shared webgl copyRegisteredKernels enclosingPowerOfTwo forceHalfFloat getGradient "
        "getKernel getKernelsForBackend registerGradient registerKernel setPlatform setWebGLContext "
        "unregisterGradient unregisterKernel DataStorage GPGPUContext KernelBackend MathBackendCPU MathBackendWebGL "
        "OP_SCOPE_SUFFIX Rank",
        KERNEL: "AvgPool3DGrad AvgPoolGrad Conv2DBackpropFilter Conv2DBackpropInput Conv3DBackpropFilterV2 "
        "Conv3DBackpropInputV2 CropAndResize DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput "
        "Dilation2DBackpropFilter Dilation2DBackpropInput Draw EluGrad FlipLeftRight FromPixels FusedConv2D "
        "FusedDepthwiseConv2D LRNGrad MatrixBandPart MaxPool3DGrad MaxPoolGrad NonMaxSuppressionV3 "
        "NonMaxSuppressionV4 NonMaxSuppressionV5 ResizeBilinearGrad ResizeNearestNeighborGrad RotateWithOffset "
        "SparseFillEmptyRows SparseReshape SparseSegmentMean SparseSegmentSum StaticRegexReplace StringNGrams "
        "StringSplit StringToHashBucketFast Transform",
    },
    "activations": {
        "activation='{}' in a layer, or jtf.functional.{}": "elu gelu hard_sigmoid leaky_relu linear log_softmax mish "
        "relu relu6 selu sigmoid softmax softplus softsign swish tanh",
        "activation='swish' in a layer, or jtf.functional.swish": "silu",
        "activation=jax.nn.{} in a layer": "celu glu hard_silu hard_swish hard_tanh log_sigmoid sparse_plus "
        "sparse_sigmoid squareplus",
        "activation=jnp.exp in a layer": "exponential",
        "activation=f in a layer, where f is a function of one array, such as lambda x: x - jnp.tanh(x)": "hard_shrink "
        "soft_shrink sparsemax tanh_shrink threshold",
        "jtf.activations.get": "deserialize",
        "the activation's name, which is all that files have of it": "serialize",
    },
    "callbacks": {
        "on_epoch_end with model.save(path) in it, in a callback of your own": "ModelCheckpoint BackupAndRestore "
        "OrbaxCheckpoint",
        "a schedule: jtf.train.adam(optax.cosine_decay_schedule(0.01, 1000))": "LearningRateScheduler",
        "optimizer.learning_rate = ... in a callback of your own": "ReduceLROnPlateau",
        "fit(verbose=1), which shows the progress": "ProgbarLogger",
        OWN_CALLBACK: "CSVLogger RemoteMonitor SwapEMAWeights TensorBoard",
    },
    "constraints": {
        "any function of the weight as a constraint": "Constraint",
        "constraint.get_config()": "serialize",
    },
    "data": {
        BROWSER: "microphone webcam",
        "jtf.data.csv(path)": "FileDataSource URLDataSource",
        "jtf.data.generator(lambda: open(path)), whose elements are the lines": "TextLineDataset",
        "jtf.data.generator": "func",
        "jtf.__version__": "version_data",
    },
    "datasets": {NO_DATA: "boston_housing california_housing cifar10 cifar100 fashion_mnist imdb reuters"},
    "initializers": {
        "jtf.initializers.identity": "IdentityInitializer",
        "jtf.initializers.orthogonal": "OrthogonalInitializer",
        "any function of (shape, dtype) as an initializer.": "STFT STFTInitializer",
        "initializer.get_config()": "serialize",
    },
    "io": {
        FILES: "browserFiles browserHTTPRequest http isHTTPScheme",
        DIRECTORIES: "copyModel listModels moveModel removeModel",
        "jtf.io.from_memory": "fromMemorySync",
        "jtf.io.with_save_handler": "withSaveHandlerSync",
        "jtf.io.from_memory to open a model and jtf.io.with_save_handler to keep one": "getLoadHandlers "
        "getSaveHandlers registerLoadRouter registerSaveRouter",
        "model.get_weights() and model.load_weights(path)": "decodeWeights decodeWeightsStream encodeWeights "
        "getWeightSpecs weightsLoaderFactory",
        INSIDE: "CompositeArrayBuffer concatenateArrayBuffers getModelArtifactsForJSON getModelArtifactsForJSONSync "
        "getModelArtifactsInfoForJSON",
    },
    "layers": {
        "jtf.layers.Layer; a cell also has state_size, and its call takes and returns the states": "RNNCell",
        "jtf.layers.conv1d": "Convolution1D",
        "jtf.layers.conv2d": "Convolution2D",
        "jtf.layers.conv3d": "Convolution3D",
        "jtf.layers.conv2d_transpose": "Convolution2DTranspose",
        "jtf.layers.conv3d_transpose": "Convolution3DTranspose",
        "jtf.layers.separable_conv2d": "SeparableConvolution2D",
        "jtf.layers.global_average_pooling1d": "GlobalAvgPool1D",
        "jtf.layers.global_average_pooling2d": "GlobalAvgPool2D",
        "jtf.layers.max_pooling3d": "MaxPool3D",
        "jtf.layers.activation('linear')": "Identity",
        "a class derived from jtf.layers.Layer, with def call(self, x)": "Lambda Wrapper JaxLayer FlaxLayer "
        "TorchModuleWrapper TFSMLayer",
        "activity_regularizer= in a layer": "ActivityRegularization",
        "kernel_constraint= in a layer": "SpectralNormalization",
        "jtf.layers.multi_head_attention": "Attention AdditiveAttention GroupQueryAttention",
        PREPARE: "AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix Discretization Equalization "
        "HashedCrossing Hashing IntegerLookup MaxNumBoundingBoxes MelSpectrogram MixUp Normalization Pipeline "
        "RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop "
        "RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert "
        "RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear "
        "RandomTranslation RandomZoom STFTSpectrogram Solarization StringLookup TextVectorization",
        OWN_LAYER: "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
        "AdaptiveMaxPooling2D AdaptiveMaxPooling3D Conv1DTranspose ConvLSTM1D ConvLSTM3D Convolution1DTranspose "
        "Cropping1D Cropping3D DepthwiseConv1D GlobalAveragePooling3D GlobalAvgPool3D GlobalMaxPool3D "
        "GlobalMaxPooling3D GroupNormalization RMSNormalization ReversibleEmbedding SeparableConv1D "
        "SeparableConvolution1D SpatialDropout2D SpatialDropout3D Subtract UnitNormalization UpSampling1D "
        "UpSampling3D ZeroPadding1D ZeroPadding3D",
        "layer.get_config()": "serialize",
    },
    "losses": {
        "loss='{}' in compile, or jtf.functional.losses.{}": "binary_crossentropy categorical_crossentropy "
        "categorical_hinge hinge mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error "
        "poisson sparse_categorical_crossentropy squared_hinge",
        "loss='logcosh' in compile, or jtf.functional.losses.logcosh": "log_cosh",
        "loss='kullback_leibler_divergence' in compile": "kl_divergence",
        "loss='cosine_proximity' in compile": "cosine_similarity",
        "jtf.losses.huber_loss": "huber",
        OWN_LOSS: "BinaryFocalCrossentropy CTC CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy Circle "
        "Dice Loss Tversky",
        "the loss's name": "get deserialize serialize",
    },
    "metrics": {
        "jtf.metrics.mean_absolute_percentage_error": "MAPE",
        "jtf.metrics.mean_squared_error": "MSE",
        "jtf.metrics.kullback_leibler_divergence": "kl_divergence",
        "jtf.metrics.cosine_proximity": "CosineSimilarity",
        "jtf.metrics.logcosh": "LogCoshError",
        "metrics=['accuracy'] in compile, which chooses by the loss": "Accuracy",
        "jtf.metrics.iou": "OneHotIoU",
        "jtf.metrics.mean_iou": "OneHotMeanIoU",
        "jtf.metrics.Mean": "MeanMetricWrapper",
        OWN_METRIC: "BinaryFocalCrossentropy CategoricalFocalCrossentropy ConcordanceCorrelation PearsonCorrelation "
        "Sum huber",
        "the metric's name": "get deserialize serialize",
    },
    "models": {
        "copy.deepcopy(model)": "clone_model",
        "jtf.load_layers_model(path)": "load_model",
        "model.save(path)": "save_model",
    },
    "random": {
        "jtf.random_normal": "normal",
        "jtf.random_uniform": "uniform",
        "jtf.random_uniform_int": "randint",
        "jtf.random_gamma": "gamma",
        "jtf.multinomial": "categorical",
        "jtf.set_seed": "SeedGenerator",
        "jax.random.{} with a key": "beta binomial",
        "jax.random.permutation with a key": "shuffle",
    },
    "regularizers": {
        "any function of the weight as a regularizer": "Regularizer OrthogonalRegularizer",
        "regularizer.get_config()": "serialize",
    },
    "train": {
        "optax.{}, which compile and fit take as they are": "AdamW Adafactor Lamb Lion Nadam",
        "optax.contrib.muon, which compile and fit take as it is": "Muon",
        "optax.contrib.schedule_free_adamw, which compile and fit take as it is": "ScheduleFreeAdamW",
        "optax.partition, which has a rule for each group of weights": "MultiOptimizer OptimizerMap",
        "any optax.GradientTransformation": "Ftrl",
        "optax's schedules as learning rates: jtf.train.adam(optax.cosine_decay_schedule(0.01, 1000))": "schedules",
        PRECISION: "LossScaleOptimizer",
        "jtf.train.get": "deserialize",
        "optimizer.get_config()": "serialize",
        KERAS_INSIDE: "legacy",
    },
}
