// Makes random models of every family of layers, trains them with TensorFlow.js, and records what came of it.
//
//   npm install @tensorflow/tfjs@4.22.0
//   node train_models.js OUT.json.gz [SEED] [COUNT]
//
// The file holds one JSON list of cases: a topology as TensorFlow.js writes it, the weights and states before, data,
// what the model was compiled with, the options of fit, the history, and the weights after. Tensors are {dtype, shape,
// values}, flat and row-major; tests/corpus.py reads them, tests/engine/test_trained_models.py trains the models again.
// A model that TensorFlow.js itself cannot train is left out and named on the console.
const tf = require('@tensorflow/tfjs');
const {encode, number, write} = require('./encode');
const L = tf.layers;

// --- random choices ---------------------------------------------------------------------------------

let state = Number(process.argv[3] || 1);
function uniform(low = 0, high = 1) {  // mulberry32
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return low + (high - low) * (((t ^ (t >>> 14)) >>> 0) / 4294967296);
}
const integer = (low, high) => low + Math.floor(uniform() * (high - low + 1));
const pick = list => list[integer(0, list.length - 1)];
const chance = p => uniform() < p;
const noise = (shape, low = -1, high = 1) =>
    tf.tensor(Array.from({length: tf.util.sizeFromShape(shape)}, () => uniform(low, high)), shape, 'float32');
const integers = (shape, below) =>
    tf.tensor(Array.from({length: tf.util.sizeFromShape(shape)}, () => integer(0, below - 1)), shape, 'int32');

// --- parts ------------------------------------------------------------------------------------------

// Kinks are rare here: where a gradient jumps, two libraries may part for good. What TensorFlow.js cannot train is not
// here at all, nor what it has wrong gradients for (by finite differences of its own results): up-sampling, average
// pooling with padding, overlapping windows of 3-D max pooling, and a maximum that several entries share.
const smooth = () => pick(['tanh', 'sigmoid', 'softsign', 'softplus', 'swish', 'mish', 'linear', 'gelu', 'selu', 'elu']);
const penalty = () => chance(0.25) ? tf.regularizers.l1l2({l1: pick([0, 0.01]), l2: 0.02}) : undefined;
const kernel = () => ({useBias: chance(0.8), kernelRegularizer: penalty(), activation: smooth()});
const padding = () => pick(['same', 'valid']);

const SAMPLES = 9;
// An input: its symbolic tensor and its data.
const floats = (...shape) => ({tensor: tf.input({shape}), data: noise([SAMPLES, ...shape])});
function words(length, count, masked) {
  const rows = integers([SAMPLES, length], count).arraySync();
  if (masked) rows.forEach(row => row.fill(0, integer(1, length)));  // what is behind the end of a text
  return {tensor: tf.input({shape: [length]}), data: tf.tensor2d(rows, [SAMPLES, length], 'int32').toFloat()};
}

// Without penalties: TensorFlow.js forgets those of cells.
const recurrent = (options = {}) => {
  const units = integer(2, 4);
  const common = {units, goBackwards: chance(0.2), ...options};
  return pick([
    () => L.simpleRNN({...common, activation: pick(['tanh', 'softsign'])}),
    () => L.gru({...common, recurrentActivation: pick(['hardSigmoid', 'sigmoid']), implementation: pick([1, 2])}),
    () => L.lstm({...common, unitForgetBias: chance(0.5), recurrentActivation: pick(['hardSigmoid', 'sigmoid'])}),
  ])();
};

// --- families: each gives inputs and a tensor -------------------------------------------------------

const families = {
  dense() {
    const x = floats(integer(2, 5));
    let y = L.dense({units: integer(3, 6), ...kernel()}).apply(x.tensor);
    y = pick([() => L.leakyReLU({alpha: 0.2}), () => L.elu(), () => L.softmax(), () => L.prelu(), () => L.activation({activation: 'softplus'})])().apply(y);
    return [[x], L.dense({units: 4, ...kernel()}).apply(y)];
  },
  reshaping() {
    const x = floats(6);
    let y = L.reshape({targetShape: [2, 3]}).apply(L.dense({units: 6, ...kernel()}).apply(x.tensor));
    y = L.permute({dims: [2, 1]}).apply(y);
    y = L.dense({units: 2, ...kernel()}).apply(y);
    return [[x], chance(0.5) ? y : L.dense({units: 3}).apply(L.repeatVector({n: 2}).apply(L.flatten().apply(y)))];
  },
  conv1d() {
    const x = floats(8, 2);
    let y = L.conv1d({filters: 3, kernelSize: integer(1, 3), padding: padding(), strides: pick([1, 2]), ...kernel()}).apply(x.tensor);
    y = pick([() => L.maxPooling1d({poolSize: 2}), () => L.averagePooling1d({poolSize: 2, strides: pick([1, 2])})])().apply(y);
    return [[x], pick([() => L.globalAveragePooling1d(), () => L.globalMaxPooling1d(), () => L.flatten()])().apply(y)];
  },
  conv2d() {
    const x = floats(6, 6, 2);
    let y = L.conv2d({filters: 3, kernelSize: [integer(1, 3), integer(1, 3)], padding: padding(), strides: pick([1, [1, 2], 2]), ...kernel()}).apply(x.tensor);
    if (y.shape[1] >= 2 && y.shape[2] >= 2) {
      y = pick([() => L.maxPooling2d({poolSize: 2, padding: padding()}), () => L.averagePooling2d({poolSize: [2, 1], strides: pick([1, 2])})])().apply(y);
    }
    return [[x], pick([() => L.globalAveragePooling2d({}), () => L.globalMaxPooling2d({}), () => L.flatten()])().apply(y)];
  },
  separable() {
    const x = floats(5, 5, 2);
    let y = L.separableConv2d({filters: 3, kernelSize: integer(2, 3), padding: padding(), activation: smooth()}).apply(x.tensor);
    y = L.depthwiseConv2d({kernelSize: 2, depthMultiplier: integer(1, 2), padding: 'same', activation: smooth()}).apply(y);
    return [[x], L.globalAveragePooling2d({}).apply(y)];
  },
  transposed() {
    const x = floats(3, 3, 2);
    let y = L.conv2dTranspose({filters: 2, kernelSize: integer(2, 3), strides: pick([1, 2]), padding: padding(), ...kernel()}).apply(x.tensor);
    y = L.cropping2D({cropping: [[1, 0], [0, 1]]}).apply(y);
    y = L.zeroPadding2d({padding: [[0, 1], [1, 1]]}).apply(y);
    return [[x], L.globalAveragePooling2d({}).apply(y)];
  },
  conv3d() {
    const x = floats(4, 4, 4, 1);
    let y = L.conv3d({filters: 2, kernelSize: 2, padding: padding(), ...kernel()}).apply(x.tensor);
    y = pick([() => L.maxPooling3d({poolSize: 2, padding: padding()}), () => L.averagePooling3d({poolSize: 2})])().apply(y);
    return [[x], L.flatten().apply(y)];
  },
  normalized() {  // in full and along the last axis: TensorFlow.js fails to train anything else
    const x = floats(4, 3);
    let y = L.batchNormalization({momentum: pick([0.9, 0.99])}).apply(x.tensor);
    y = L.dense({units: 4, ...kernel()}).apply(y);
    y = L.layerNormalization({epsilon: 0.01}).apply(y);
    return [[x], L.flatten().apply(y)];
  },
  noisy() {  // with nothing to draw: what these layers draw is each library's own
    const x = floats(4, 3);
    let y = L.spatialDropout1d({rate: 0}).apply(L.gaussianDropout({rate: 0}).apply(L.gaussianNoise({stddev: 0}).apply(x.tensor)));
    y = L.alphaDropout({rate: 0}).apply(L.dropout({rate: 0}).apply(L.dense({units: 3, ...kernel()}).apply(y)));
    return [[x], L.flatten().apply(y)];
  },
  merged() {
    const a = floats(3), b = floats(3);
    const left = L.dense({units: 4, ...kernel()}).apply(a.tensor), right = L.dense({units: 4, ...kernel()}).apply(b.tensor);
    const both = pick([() => L.add(), () => L.multiply(), () => L.average(), () => L.maximum(), () => L.minimum(), () => L.concatenate()])();
    const y = both.apply([left, right]);
    return [[a, b], L.concatenate().apply([y, L.dot({axes: 1, normalize: chance(0.5)}).apply([left, right])])];
  },
  embedded() {
    const x = words(5, 7, true);
    const y = L.embedding({inputDim: 7, outputDim: 3, maskZero: true, embeddingsRegularizer: penalty()}).apply(x.tensor);
    return [[x], recurrent().apply(y)];
  },
  masked() {
    const x = floats(4, 3);
    const zeros = tf.tensor(Array.from({length: SAMPLES}, () => [1, 1, integer(0, 1), integer(0, 1)]).map(row => row.map(v => [v])));
    x.data = x.data.mul(zeros);
    const y = recurrent({returnSequences: true}).apply(L.masking().apply(x.tensor));
    return [[x], recurrent().apply(y)];
  },
  recurrent() {
    const x = floats(4, 3);
    const y = recurrent({returnSequences: true}).apply(x.tensor);
    return [[x], chance(0.5) ? y : recurrent({unroll: chance(0.5)}).apply(y)];
  },
  stateful() {
    const tensor = tf.input({batchShape: [3, 4, 2]});
    return [[{tensor, data: noise([SAMPLES, 4, 2])}], recurrent({stateful: true}).apply(tensor)];
  },
  stacked() {
    const x = floats(4, 2);
    const cells = [L.lstmCell({units: 3}), L.gruCell({units: 2}), L.simpleRNNCell({units: 3})].filter(() => chance(0.8));
    if (cells.length === 0) cells.push(L.gruCell({units: 2, useBias: false}));
    return [[x], L.rnn({cell: L.stackedRNNCells({cells}), returnSequences: chance(0.4)}).apply(x.tensor)];
  },
  bidirectional() {
    const x = floats(4, 2);
    const layer = recurrent({returnSequences: chance(0.5), goBackwards: false});
    return [[x], L.bidirectional({layer, mergeMode: pick(['concat', 'sum', 'mul', 'ave'])}).apply(x.tensor)];
  },
  states() {  // an encoder hands its states to a decoder
    const a = floats(3, 2), b = floats(4, 2);
    const units = 3;
    const [, ...states] = pick([
      () => L.lstm({units, returnState: true}), () => L.gru({units, returnState: true}), () => L.simpleRNN({units, returnState: true}),
    ])().apply(a.tensor);
    const decoder = states.length === 2 ? L.lstm({units}) : L.gru({units});
    return [[a, b], decoder.apply(b.tensor, {initialState: states})];
  },
  distributed() {
    const x = floats(3, 4, 4, 1);
    let y = L.timeDistributed({layer: L.conv2d({filters: 2, kernelSize: 2, activation: smooth()})}).apply(x.tensor);
    y = L.timeDistributed({layer: L.flatten()}).apply(y);
    return [[x], recurrent().apply(y)];
  },
  convLstm() {
    const x = floats(3, 4, 4, 1);
    const y = L.convLstm2d({filters: 2, kernelSize: 2, padding: padding(), returnSequences: chance(0.4), unitForgetBias: chance(0.5)}).apply(x.tensor);
    return [[x], L.flatten().apply(y)];
  },
  nested() {
    const x = floats(3);
    const inner = tf.sequential({layers: [L.dense({units: 4, inputShape: [3], ...kernel()}), L.batchNormalization(), L.dense({units: 3, ...kernel()})]});
    const p = tf.input({shape: [3]}), q = tf.input({shape: [3]});
    const outer = tf.model({inputs: [p, q], outputs: L.add().apply([inner.apply(p), L.dense({units: 3}).apply(q)])});
    return [[x], outer.apply([x.tensor, L.dense({units: 3, ...kernel()}).apply(x.tensor)])];
  },
  shared() {
    const a = floats(3), b = floats(3);
    const twice = L.dense({units: 3, useBias: chance(0.8), activation: smooth()});
    return [[a, b], L.concatenate().apply([twice.apply(a.tensor), twice.apply(twice.apply(b.tensor))])];
  },
  frozen() {
    const x = floats(4);
    const base = tf.sequential({layers: [L.dense({units: 3, inputShape: [4], trainable: false, activation: smooth()}), L.dense({units: 3})]});
    return [[x], L.dense({units: 3, ...kernel()}).apply(base.apply(x.tensor))];
  },
};

// --- heads, losses and optimizers -------------------------------------------------------------------

const losses = [
  ['meanSquaredError', 'linear', shape => noise(shape)], ['meanAbsoluteError', 'linear', shape => noise(shape, 2, 3)],
  ['meanAbsolutePercentageError', 'softplus', shape => noise(shape, 2, 3)], ['meanSquaredLogarithmicError', 'softplus', shape => noise(shape, 0.2, 2)],
  ['squaredHinge', 'tanh', shape => integers(shape, 2).mul(2).sub(1).toFloat()], ['hinge', 'tanh', shape => integers(shape, 2).mul(2).sub(1).toFloat()],
  ['categoricalHinge', 'softmax', oneHot], ['logcosh', 'linear', shape => noise(shape)],
  ['categoricalCrossentropy', 'softmax', oneHot], ['sparseCategoricalCrossentropy', 'softmax', shape => integers([...shape.slice(0, -1), 1], shape[shape.length - 1]).toFloat()],
  ['binaryCrossentropy', 'sigmoid', shape => integers(shape, 2).toFloat()], ['kullbackLeiblerDivergence', 'softmax', shape => noise(shape).softmax()],
  ['poisson', 'softplus', shape => noise(shape, 0.2, 2)], ['cosineProximity', 'linear', shape => noise(shape)],
];
function oneHot(shape) {
  return tf.oneHot(integers(shape.slice(0, -1), shape[shape.length - 1]), shape[shape.length - 1]).toFloat();
}
const optimizers = [
  'sgd', 'adam', ['momentum', 0.05, 0.9], 'rmsprop', ['adagrad', 0.1], ['adadelta', 0.5], ['adamax', 0.02], ['sgd', 0.1],
  ['momentum', 0.02, 0.8, true], ['adam', 0.02], ['rmsprop', 0.01, 0.8, 0.3], 'adagrad', 'adamax', 'adadelta',
];

function head(tensor, [loss, activation, target], several) {
  if (loss === 'sparseCategoricalCrossentropy' && tensor.shape.length > 2) tensor = L.flatten().apply(tensor);
  const units = several ? 2 : 3;
  const output = L.dense({units, activation}).apply(tensor);
  return {output, loss, target: target([SAMPLES, ...output.shape.slice(1)])};
}

async function record(index) {
  const names = Object.keys(families);
  const family = names[index % names.length];
  const [inputs, tensor] = families[family]();
  const heads = [head(tensor, losses[index % losses.length], false)];
  if (chance(0.25)) heads.push(head(tensor, losses[(index * 5 + 3) % losses.length], true));
  const model = tf.model({inputs: inputs.map(i => i.tensor), outputs: heads.map(h => h.output)});
  model.setWeights(model.weights.map(w => noise(w.shape, w.name.endsWith('variance') ? 0.5 : -0.6, w.name.endsWith('variance') ? 1.5 : 0.6)));
  const optimizer = optimizers[(index * 3 + Math.floor(index / optimizers.length)) % optimizers.length];
  const isSparse = heads[0].loss === 'sparseCategoricalCrossentropy';
  const metrics = heads.length > 1 ? [] : isSparse ? ['acc'] : pick([[], ['accuracy'], ['mse'], ['mae', 'acc']]);
  const validation = heads.length === 1 && chance(0.3) && family !== 'stateful';
  const fit = {epochs: integer(2, 3), batchSize: family === 'stateful' ? 3 : integer(3, 5), ...(validation && {validationSplit: 0.3})};
  const encoded = {
    name: `${index} ${family}`, topology: model.toJSON(null, false), before: model.weights.map(w => ({name: w.name, ...encode(w.read())})),
    x: inputs.map(i => encode(i.data)), y: heads.map(h => encode(h.target)), optimizer, loss: heads.map(h => h.loss), metrics, fit,
  };
  model.compile({
    optimizer: typeof optimizer === 'string' ? optimizer : tf.train[optimizer[0]](...optimizer.slice(1)),
    loss: heads.map(h => h.loss), metrics,
  });
  const one = list => list.length === 1 ? list[0] : list;
  const predicted = model.predict(one(inputs.map(i => i.data)), {batchSize: fit.batchSize});
  encoded.predicted = [predicted].flat().map(encode);
  if (family === 'stateful') model.resetStates();
  const history = await model.fit(one(inputs.map(i => i.data)), one(heads.map(h => h.target)), {...fit, shuffle: false, verbose: 0});
  encoded.history = Object.fromEntries(Object.entries(history.history).map(([key, values]) => [key, values.map(number)]));
  encoded.after = model.weights.map(w => encode(w.read()));
  return encoded;
}

async function main() {
  await tf.setBackend('cpu');
  const count = Number(process.argv[4] || 66);
  const cases = [];
  for (let index = 0; index < count; index++) {
    try {
      cases.push(await record(index));
    } catch (error) {
      console.log(`left out: ${index} ${Object.keys(families)[index % Object.keys(families).length]}: ${error.message.slice(0, 150)}`);
    }
  }
  write(process.argv[2], cases);
  console.log(`${cases.length} models trained by TensorFlow.js ${tf.version.tfjs}, backend ${tf.getBackend()}`);
}

main();
