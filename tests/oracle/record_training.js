// Records how TensorFlow.js trains small models: initial weights, history and final weights of each run.
//
//   npm install @tensorflow/tfjs@4.22.0
//   node record_training.js OUT.json.gz
//
// The file holds one JSON list of cases. Tensors are {dtype, shape, values}, flat and row-major; a weight has its
// name, too. tests/corpus.py reads them. Layers are {factory, options}, with which tests/engine/test_oracle.py makes
// the same model; optimizers are a name, or {constructor, args}.
const tf = require('@tensorflow/tfjs');
const {encode, number, write} = require('./encode');

// --- data -------------------------------------------------------------------------------------------

// Numbers that look random and are the same on every run.
let seed = 2024;
function uniform(low, high) {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return low + (high - low) * (seed / 0x7fffffff);
}
function noise(shape, low = -1, high = 1) {
  return tf.tensor(Array.from({length: tf.util.sizeFromShape(shape)}, () => uniform(low, high)), shape, 'float32');
}
function classes(count, n) {
  return Array.from({length: count}, () => Math.min(n - 1, Math.floor(uniform(0, n))));
}

const SAMPLES = 10;
const targets = {
  numbers: width => noise([SAMPLES, width]),
  positive: width => noise([SAMPLES, width], 0.2, 2),
  signs: width => tf.tensor(classes(SAMPLES * width, 2).map(c => 2 * c - 1), [SAMPLES, width], 'float32'),
  bits: width => tf.tensor(classes(SAMPLES * width, 2), [SAMPLES, width], 'float32'),
  oneHot: width => tf.oneHot(tf.tensor1d(classes(SAMPLES, width), 'int32'), width).toFloat(),
  labels: width => tf.tensor(classes(SAMPLES, width), [SAMPLES, 1], 'float32'),
  probabilities: width => noise([SAMPLES, width], -1, 1).softmax(),
};

// --- runs -------------------------------------------------------------------------------------------

const dense = (units, options = {}) => ({factory: 'dense', options: {units, ...options}});
const layer = (factory, options = {}) => ({factory, options});
const small = (activation = 'linear', units = 2) => [dense(3, {activation: 'tanh', inputShape: [3]}), dense(units, {activation})];
const penalty = (l1, l2) => ({className: 'L1L2', config: {l1, l2}});

const runs = [];
function run(name, fields) {
  runs.push({
    name, layers: small(), optimizer: {constructor: 'sgd', args: [0.1]}, loss: 'meanSquaredError', metrics: [],
    targets: 'numbers', ...fields, fit: {epochs: 3, batchSize: 5, ...fields.fit},
  });
}

// Every optimizer, by name and by constructor.
for (const name of ['sgd', 'adagrad', 'adadelta', 'adam', 'adamax', 'rmsprop']) run(`by name: ${name}`, {optimizer: name});
for (const [constructor, ...args] of [
  ['sgd', 0.2], ['momentum', 0.05, 0.8], ['momentum', 0.05, 0.8, true], ['adagrad', 0.1, 0.3], ['adadelta'], ['adadelta', 0.5, 0.8, 1e-6],
  ['adam'], ['adam', 0.05, 0.8, 0.95, 1e-3], ['adamax'], ['adamax', 0.05, 0.8, 0.95, 1e-3, 0.1], ['rmsprop', 0.01], ['rmsprop', 0.01, 0.8, 0.5, 1e-4],
]) run(`by constructor: ${constructor}(${args})`, {optimizer: {constructor, args}});

// Every loss, with data that it is made for. Percentages have large gradients.
const slow = {optimizer: {constructor: 'sgd', args: [1e-4]}};
for (const [loss, kind, activation, metrics] of [
  ['meanSquaredError', 'numbers', 'linear', ['mae', 'cosine']], ['meanAbsoluteError', 'numbers', 'linear', ['mse']],
  ['meanAbsolutePercentageError', 'positive', 'linear', ['mae']],
  ['meanSquaredLogarithmicError', 'positive', 'softplus', ['mape']], ['squaredHinge', 'signs', 'tanh', []], ['hinge', 'signs', 'linear', []],
  ['categoricalHinge', 'oneHot', 'softmax', ['accuracy']], ['logcosh', 'numbers', 'linear', []],
  ['categoricalCrossentropy', 'oneHot', 'softmax', ['acc', 'categoricalCrossentropy', 'mse']],
  ['sparseCategoricalCrossentropy', 'labels', 'softmax', ['accuracy']], ['binaryCrossentropy', 'bits', 'sigmoid', ['accuracy', 'crossentropy']],
  ['kullbackLeiblerDivergence', 'probabilities', 'softmax', []], ['poisson', 'positive', 'softplus', []], ['cosineProximity', 'numbers', 'linear', []],
]) run(`loss: ${loss}`, {loss, targets: kind, layers: small(activation, 3), metrics, ...(loss === 'meanAbsolutePercentageError' && slow)});

// What fit can be asked for.
const classifier = {loss: 'categoricalCrossentropy', targets: 'oneHot', layers: small('softmax', 3), metrics: ['accuracy']};
run('a smaller last batch', {optimizer: 'adam', fit: {batchSize: 4}});
run('class weights', {...classifier, fit: {batchSize: 4, classWeight: {0: 1, 1: 2.5, 2: 0.25}}});
run('class weights of bits', {loss: 'binaryCrossentropy', targets: 'bits', layers: small('sigmoid', 1), metrics: ['acc'],
                              fit: {classWeight: {0: 0.5, 1: 3}}});
run('validation split', {...classifier, fit: {batchSize: 4, validationSplit: 0.35}});
run('validation data', {...classifier, validation: true, fit: {batchSize: 3}});
run('initial epoch', {fit: {epochs: 4, initialEpoch: 2}});
run('one batch', {fit: {batchSize: 32}});

// Regularizers and layers.
run('regularizers', {
  layers: [dense(4, {inputShape: [3], activation: 'relu', kernelRegularizer: penalty(0.01, 0), biasRegularizer: penalty(0, 0.1)}),
           dense(2, {kernelRegularizer: penalty(0.02, 0.03)})],
  validation: true,
});
run('activations as layers', {
  layers: [dense(4, {inputShape: [3]}), layer('leakyReLU', {alpha: 0.1}), dense(4), layer('elu'), dense(3, {useBias: false}),
           layer('prelu', {alphaRegularizer: penalty(0, 0.1)}), layer('reLU', {maxValue: 0.8}), dense(3), layer('softmax')],
  loss: 'categoricalCrossentropy', targets: 'oneHot',
});
run('shapes', {
  layers: [layer('inputLayer', {inputShape: [3]}), layer('repeatVector', {n: 4}), layer('permute', {dims: [2, 1]}),
           dense(2, {activation: 'hardSigmoid'}), layer('reshape', {targetShape: [2, 3]}), layer('activation', {activation: 'softsign'}),
           layer('flatten'), layer('dropout', {rate: 0}), dense(2)],
});
run('frozen', {layers: [dense(3, {inputShape: [3], trainable: false, activation: 'gelu'}), dense(2)], optimizer: 'adam'});

async function record({name, layers, optimizer, loss, metrics, targets: kind, validation, fit}) {
  const model = tf.sequential({layers: layers.map(({factory, options}) => tf.layers[factory](withRegularizers(options)))});
  // The weights are the numbers below, so that nothing depends on how TensorFlow.js draws them.
  model.setWeights(model.getWeights().map(w => noise(w.shape, -0.8, 0.8)));
  const before = model.weights.map(w => ({name: w.name, ...encode(w.read())}));
  const width = model.outputs[0].shape[1];
  const data = () => [noise([SAMPLES, 3]), targets[kind](width)];
  const [x, y] = data();
  const held = validation ? data() : null;
  model.compile({
    optimizer: typeof optimizer === 'string' ? optimizer : tf.train[optimizer.constructor](...optimizer.args), loss, metrics,
  });
  const history = await model.fit(x, y, {...fit, shuffle: false, verbose: 0, ...(held && {validationData: held})});
  return {
    name, layers, optimizer, loss, metrics, fit, x: encode(x), y: encode(y), validation: held && held.map(encode), before,
    after: model.weights.map(w => encode(w.read())), epoch: history.epoch,
    history: Object.fromEntries(Object.entries(history.history).map(([key, values]) => [key, values.map(number)])),
  };
}

// Regularizers go into the file as configurations; TensorFlow.js's factories want objects.
function withRegularizers(options) {
  return Object.fromEntries(Object.entries(options).map(
      ([key, value]) => [key, key.endsWith('Regularizer') ? tf.regularizers.l1l2(value.config) : value]));
}

async function main() {
  await tf.setBackend('cpu');
  const cases = [];
  for (const each of runs) cases.push(await record(each));
  write(process.argv[2], cases);
  console.log(`${cases.length} runs of TensorFlow.js ${tf.version.tfjs}, backend ${tf.getBackend()}`);
}

main();
