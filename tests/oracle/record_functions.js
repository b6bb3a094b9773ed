// Records what TensorFlow.js computes for the functions of jtf.functional.
//
//   npm install @tensorflow/tfjs@4.22.0
//   node record_functions.js OUT.json.gz
//
// The file holds one JSON list of cases. Tensors are {dtype, shape, values}, flat and row-major; NaN and the
// infinities are strings. tests/corpus.py reads them.
const tf = require('@tensorflow/tfjs');
const {encode, number, write} = require('./encode');

const cases = [];

function record(kind, name, fields) {
  cases.push({id: `${kind}-${name}-${cases.length}`, kind, name, ...encode(fields)});
}

// --- inputs -----------------------------------------------------------------------------------------

// Numbers that look random and are the same on every run.
let seed = 12345;
function uniform(low = 0, high = 1) {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return low + (high - low) * (seed / 0x7fffffff);
}
function noise(shape, low = -2, high = 2) {
  return tf.tensor(Array.from({length: tf.util.sizeFromShape(shape)}, () => uniform(low, high)), shape);
}
function oneHot(labels, classes) {
  return tf.oneHot(tf.tensor1d(labels, 'int32'), classes).toFloat();
}
// A weight for each result, so that every part of a gradient can be told from the others.
function ramp(shape) {
  const size = tf.util.sizeFromShape(shape);
  return tf.linspace(0.5, 1.5, Math.max(size, 2)).slice([0], [size]).reshape(shape);
}
function gradient(f, x) {
  return tf.grad(value => {
    const y = f(value);
    return y.mul(ramp(y.shape)).sum();
  })(x);
}

// --- activations ------------------------------------------------------------------------------------

const grid = tf.tensor1d([
  -1e4, -1e3, -100, -20, -10, -6, -5, -3, -2.5, -2, -1, -0.5, -0.1, -1e-3, -1e-6, 0,
  1e-6, 1e-3, 0.1, 0.5, 1, 2, 2.5, 3, 5, 6, 10, 20, 100, 1e3, 1e4,
]);
const logits = tf.tensor2d([[0, 1, 3, 9], [-5, 2, 2, 0.5], [1e4, -1e4, 0, 1e4], [-100, 100, 99, 98]]);

const classOf = name => tf.layers.activation({activation: name}).activation;
for (const name of ['elu', 'gelu', 'gelu_new', 'hardSigmoid', 'linear', 'mish', 'relu', 'relu6', 'selu',
                    'sigmoid', 'softplus', 'softsign', 'swish', 'tanh']) {
  const f = x => classOf(name).apply(x);
  // The gradient of the identity activation is not defined: it returns its input itself.
  const grad = name === 'linear' ? null : gradient(f, grid);
  record('activation', name, {args: [grid], result: f(grid), grad});
}
for (const name of ['softmax', 'logSoftmax']) {
  const f = x => classOf(name).apply(x);
  record('activation', name, {args: [logits], result: f(logits), grad: gradient(f, logits)});
}
for (const alpha of [0.5, 2]) {
  const f = x => classOf('swish').apply(x, alpha);
  record('activation', 'swish', {args: [grid, alpha], result: f(grid), grad: gradient(f, grid)});
}
for (const alpha of [0.2, 0.05]) {
  const f = x => tf.leakyRelu(x, alpha);
  record('activation', 'leakyRelu', {args: [grid, alpha], result: f(grid), grad: gradient(f, grid)});
}
{
  const x = tf.tensor3d([-2, -1, 0, 1, 2, 3, 4, -5, 6, -7, 8, 0], [2, 2, 3]);
  for (const alpha of [tf.tensor1d([0.1, 0.2, 0.3]), noise([2, 3], 0, 1), tf.tensor2d([[0.4], [0.6]])]) {
    const f = value => tf.prelu(value, alpha);
    const g = value => tf.prelu(x, value);
    record('activation', 'prelu', {args: [x, alpha], result: f(x), grad: gradient(f, x), gradAlpha: gradient(g, alpha)});
  }
}
for (const theta of [1, 0, 2.5]) {
  const layer = tf.layers.thresholdedReLU({theta});
  record('activation', 'thresholdedRelu', {args: [grid, theta], result: layer.apply(grid), grad: null});
}

// --- losses and metrics of the Layers API -----------------------------------------------------------

function layersLoss(name) {
  const input = tf.input({shape: [4]});
  const model = tf.model({inputs: input, outputs: tf.layers.activation({activation: 'linear'}).apply(input)});
  model.compile({loss: name, optimizer: 'sgd'});
  return model.lossFunctions[0];
}

const truth = noise([6, 4]);
const guess = noise([6, 4]);
const signs = tf.sign(noise([6, 4]));
const binary = tf.tensor2d([0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 1, 0, 1], [6, 4]);
const labels = oneHot([0, 1, 2, 3, 1, 0], 4);
const soft = tf.softmax(noise([6, 4]));
const edges = tf.tensor2d([
  [1, 0, 0, 0], [0, 0, 1, 0], [0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25], [1e-8, 1 - 1e-8, 0, 0], [0.2, 0.3, 0.1, 0.4],
]);
const unnormalized = noise([6, 4], 0.1, 3);
const scores = noise([6, 4], -4, 4);
const far = noise([6, 4], -50, 50);
const sparse = tf.tensor2d([[0], [1], [2], [3], [1], [0]]);
const counts = tf.floor(noise([6, 4], 0, 5));

const layersLosses = {
  meanSquaredError: [[truth, guess], [truth, far]],
  meanAbsoluteError: [[truth, guess], [truth, far]],
  meanAbsolutePercentageError: [[truth, guess], [binary, guess]],
  meanSquaredLogarithmicError: [[unnormalized, noise([6, 4], 0.1, 9)], [truth, guess]],
  squaredHinge: [[signs, guess], [signs, far]],
  hinge: [[signs, guess], [signs, far]],
  categoricalHinge: [[labels, guess], [labels, far]],
  logcosh: [[truth, guess], [truth, far]],
  categoricalCrossentropy: [[labels, soft], [labels, edges], [labels, unnormalized], [soft, edges],
                            [labels, scores, true], [soft, scores, true]],
  sparseCategoricalCrossentropy: [[sparse, soft], [sparse, edges], [sparse, noise([6, 4], 0.1, 0.9)],
                                  [sparse.reshape([6]), soft]],
  binaryCrossentropy: [[binary, soft], [labels, edges], [soft, edges], [binary, noise([6, 4], 0.01, 0.99)]],
  kullbackLeiblerDivergence: [[soft, edges], [labels, soft], [edges, soft]],
  poisson: [[counts, unnormalized], [counts, edges]],
  cosineProximity: [[truth, guess], [labels, edges], [truth, tf.zeros([6, 4])]],
};
for (const [name, inputs] of Object.entries(layersLosses)) {
  const f = layersLoss(name);
  for (const [yTrue, yPred, fromLogits] of inputs) {
    const args = fromLogits ? [yTrue, yPred, true] : [yTrue, yPred];
    record('loss', name, {
      args, result: f(...args), grad: gradient(p => fromLogits ? f(yTrue, p, true) : f(yTrue, p), yPred),
    });
  }
}

const ties = tf.tensor2d([[1, 1, 0, 0], [0, 2, 2, 2], [0, 0, 0, 0], [3, 1, 2, 3], [1, 0, 0, 1], [5, 4, 3, 2]]);
const metrics = {
  binaryAccuracy: [[binary, edges], [binary, noise([6, 4], 0, 1)], [binary, tf.fill([6, 4], 0.5)]],
  categoricalAccuracy: [[labels, soft], [labels, ties]],
  sparseCategoricalAccuracy: [[sparse, soft], [sparse, ties], [sparse.reshape([6]), guess]],
  precision: [[binary, labels], [binary, binary], [binary, tf.zeros([6, 4])]],
  recall: [[binary, labels], [binary, binary], [tf.zeros([6, 4]), binary]],
  r2Score: [[truth, guess], [truth, truth], [truth, truth.add(0.1)]],
};
for (const [name, inputs] of Object.entries(metrics)) {
  for (const args of inputs) record('metric', name, {args, result: tf.metrics[name](...args), grad: null});
}

// --- losses of the Core API -------------------------------------------------------------------------

const elementWeights = {
  none: null, scalar: tf.scalar(0.7), row: tf.tensor2d([[0.1, 2, 0, 1]]), vector: tf.tensor1d([1, 0, 3, 0.5]),
  column: tf.tensor2d([[1], [0], [2], [0], [0.5], [3]]), full: noise([6, 4], 0, 2).mul(binary),
};
const sampleWeights = {none: null, scalar: tf.scalar(0.7), vector: tf.tensor1d([1, 0, 2, 0, 0.5, 3])};
const columnWeights = {none: null, scalar: tf.scalar(0.7), column: elementWeights.column};

const unit = x => x.div(x.norm('euclidean', 1, true));
const coreLosses = [
  ['absoluteDifference', [truth, guess], [null], elementWeights],
  ['meanSquaredError', [truth, guess], [null], elementWeights],
  ['hingeLoss', [binary, guess], [null], elementWeights],
  ['huberLoss', [truth, guess], [1, 0.25, 3], elementWeights],
  ['logLoss', [binary, edges], [1e-7, 1e-3], elementWeights],
  ['sigmoidCrossEntropy', [binary, far], [0, 0.1], elementWeights],
  ['sigmoidCrossEntropy', [binary, guess], [0.4], elementWeights],
  ['softmaxCrossEntropy', [labels, far], [0, 0.1], sampleWeights],
  ['softmaxCrossEntropy', [soft, guess], [0.4], sampleWeights],
  ['cosineDistance', [unit(truth), unit(guess)], [1], columnWeights],
];
for (const [name, [t, p], options, weightings] of coreLosses) {
  for (const option of options) {
    for (const weights of Object.values(weightings)) {
      for (const reduction of [0, 1, 2, 3]) {
        const f = value => {
          if (name === 'cosineDistance') return tf.losses.cosineDistance(t, value, option, weights, reduction);
          return option === null ? tf.losses[name](t, value, weights, reduction) :
                                   tf.losses[name](t, value, weights, option, reduction);
        };
        const grad = reduction === 3 && weights === null ? tf.grad(v => f(v).sum())(p) : null;
        record('coreLoss', name, {args: [t, p], option, weights, reduction, result: f(p), grad});
      }
    }
  }
}

// --- optimizers -------------------------------------------------------------------------------------

const start = [noise([2, 3]), noise([4])];
const grads = Array.from({length: 10}, (_, i) => [noise([2, 3], -1, 1).mul(i % 3 === 2 ? 0.01 : 1), noise([4], -3, 3)]);
record('optimizerInputs', 'shared', {start, grads});

const optimizers = [
  ['sgd', {learningRate: 0.1}],
  ['momentum', {learningRate: 0.1, momentum: 0.9, useNesterov: false}],
  ['momentum', {learningRate: 0.05, momentum: 0.5, useNesterov: true}],
  ['adagrad', {learningRate: 0.1, initialAccumulatorValue: 0.1}],
  ['adagrad', {learningRate: 0.3, initialAccumulatorValue: 0}],
  ['adadelta', {learningRate: 0.001, rho: 0.95, epsilon: 1e-7}],
  ['adadelta', {learningRate: 1, rho: 0.8, epsilon: 1e-2}],
  ['adam', {learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7}],
  ['adam', {learningRate: 0.1, beta1: 0.5, beta2: 0.8, epsilon: 1e-2}],
  ['adamax', {learningRate: 0.002, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 0}],
  ['adamax', {learningRate: 0.1, beta1: 0.5, beta2: 0.8, epsilon: 1e-1, decay: 0.3}],
  ['rmsprop', {learningRate: 0.01, decay: 0.9, momentum: 0, epsilon: 1e-7, centered: false}],
  ['rmsprop', {learningRate: 0.1, decay: 0.5, momentum: 0.8, epsilon: 1e-2, centered: false}],
  ['rmsprop', {learningRate: 0.01, decay: 0.9, momentum: 0, epsilon: 1e-10, centered: true}],
  ['rmsprop', {learningRate: 0.1, decay: 0.5, momentum: 0.8, epsilon: 1e-10, centered: true}],
];

async function recordOptimizers() {
  for (const [name, config] of optimizers) {
    const optimizer = tf.train[name](...Object.values(config));
    const variables = start.map((value, i) => tf.variable(value, true, `${name}${cases.length}/${i}`));
    const after = grads.map(step => {
      optimizer.applyGradients(step.map((tensor, i) => ({name: variables[i].name, tensor})));
      return variables.map(variable => variable.clone());
    });
    // TensorFlow.js cannot save Adamax.
    const slots = name === 'adamax' ? null : (await optimizer.getWeights()).map(slot => ({
      name: slot.name.split('/').slice(1).join('/'), value: slot.tensor,
    }));
    record('optimizer', name, {config, after, slots});
  }
}

// --- constraints, regularizers, initializers --------------------------------------------------------

const kernel = tf.concat([noise([5, 3], -3, 3), tf.zeros([5, 1])], 1);
const filters = noise([2, 2, 3, 2]);
const constraints = [
  ['maxNorm', {}, kernel], ['maxNorm', {maxValue: 0.5, axis: 1}, kernel], ['maxNorm', {maxValue: 1, axis: [0, 1, 2]}, filters],
  ['unitNorm', {}, kernel], ['unitNorm', {axis: 1}, kernel], ['unitNorm', {axis: [0, 1, 2]}, filters],
  ['nonNeg', {}, kernel],
  ['minMaxNorm', {}, kernel], ['minMaxNorm', {minValue: 3, maxValue: 4, rate: 0.3, axis: 1}, kernel],
  ['minMaxNorm', {minValue: 1, maxValue: 2, rate: 1, axis: [0, 1, 2]}, filters],
];
for (const [name, config, w] of constraints) {
  record('constraint', name, {args: [w], config, result: tf.constraints[name](config).apply(w)});
}
for (const [name, config] of [['l1', {l1: 0.2}], ['l2', {l2: 0.3}], ['l1l2', {l1: 0.2, l2: 0.3}], ['l1l2', {}]]) {
  const regularizer = tf.regularizers[name](config);
  record('regularizer', name, {args: [filters], config, result: regularizer.apply(filters),
                               grad: tf.grad(x => regularizer.apply(x))(filters)});
}
for (const [name, config, shape] of [['zeros', {}, [2, 3]], ['ones', {}, [4]], ['constant', {value: -2.5}, [2, 1, 2]],
                                     ['identity', {gain: 0.5}, [3, 3]], ['identity', {}, [2, 2]]]) {
  record('initializer', name, {shape, config, result: tf.initializers[name](config).apply(shape, 'float32')});
}
for (const [name, config] of [
  ['randomUniform', {minval: -1, maxval: 3}], ['randomNormal', {mean: 1, stddev: 2}], ['truncatedNormal', {mean: 1, stddev: 2}],
  ['randomUniform', {}], ['randomNormal', {}], ['truncatedNormal', {}],
  ['varianceScaling', {scale: 3, mode: 'fanOut', distribution: 'uniform'}],
  ['varianceScaling', {scale: 0.5, mode: 'fanAvg', distribution: 'normal'}],
  ['glorotNormal', {}], ['glorotUniform', {}], ['heNormal', {}], ['heUniform', {}], ['leCunNormal', {}], ['leCunUniform', {}],
]) {
  // Only the scaled initializers look at the shape.
  for (const shape of /^(random|truncated)/.test(name) ? [[250, 400]] : [[250, 400], [3, 5, 20, 300]]) {
    const values = tf.initializers[name]({...config, seed: 7}).apply(shape, 'float32');
    const {mean, variance} = tf.moments(values);
    record('randomInitializer', name, {shape, config, stats: {
      mean: number(mean.dataSync()[0]), std: number(Math.sqrt(variance.dataSync()[0])),
      min: number(values.min().dataSync()[0]), max: number(values.max().dataSync()[0]),
    }});
  }
}

recordOptimizers().then(() => {
  write(process.argv[2], cases);
  console.log(`${cases.length} cases from TensorFlow.js ${tf.version.tfjs}, backend ${tf.getBackend()}`);
});
