// Records what TensorFlow.js computes for recurrent layers and the wrappers, over many configurations.
//
//   npm install @tensorflow/tfjs@4.22.0
//   node record_recurrent.js OUT.json.gz
//
// The file holds one JSON list of cases: a layer's configuration, its weights, the inputs (the states to begin with
// behind the sequence), the mask, the outputs, and of each output's sum of squares the gradients by the inputs and the
// weights. Tensors are {dtype, shape, values}, flat and row-major. tests/corpus.py reads them.
const tf = require('@tensorflow/tfjs');
const {encode, write} = require('./encode');

const cases = [];

// Numbers that look random, are the same on every run and have few digits.
let seed = 12345;
function noise(shape, low = -1, high = 1) {
  const next = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return Math.round((low + (high - low) * (seed / 0x7fffffff)) * 100) / 100;
  };
  return tf.tensor(Array.from({length: tf.util.sizeFromShape(shape)}, next), shape);
}

const list = value => (Array.isArray(value) ? value : [value]);

// One case: the layer on a sequence, perhaps with states and a mask, or several batches one after the other.
function record(layer, shape, {states = [], mask = null, batches = 1, gradients = true} = {}) {
  layer.apply(tf.input({batchShape: shape}));
  layer.setWeights(layer.weights.map(w => noise(w.shape)));
  const initial = states.map(state => noise(state));
  const call = (x, states) => {
    const kwargs = {};
    if (states.length) kwargs.initialState = states;
    if (mask) kwargs.mask = tf.tensor(mask, undefined, 'bool');
    return list(layer.apply(x, kwargs));
  };
  const inputs = [], outputs = [];
  for (let batch = 0; batch < batches; batch++) {
    inputs.push(noise(shape));
    outputs.push(call(inputs[batch], initial));
  }
  const found = {};
  if (gradients) {
    const loss = () => tf.addN(call(inputs[0], initial).map(y => tf.sum(tf.square(y))));
    found.byInput = tf.grad(x => tf.addN(call(x, initial).map(y => tf.sum(tf.square(y)))))(inputs[0]);
    const {grads} = tf.variableGrads(loss, layer.trainableWeights.map(w => w.val));
    found.byWeights = layer.trainableWeights.map(w => grads[w.val.name]);
  }
  cases.push({
    id: `${layer.getClassName()}-${cases.length}`, className: layer.getClassName(), config: layer.getConfig(),
    weights: layer.getWeights(), names: layer.weights.map(w => w.originalName.replace(/^[^/]*\//, '')),
    inputs, initial, mask, outputs, ...found,
  });
  cases[cases.length - 1] = encode(cases[cases.length - 1]);
}

const L = tf.layers;
const MASK = [[1, 1, 0, 1], [0, 1, 1, 0], [0, 0, 0, 0]];
const DENSE = [3, 4, 2];
const dense = {
  simpleRNN: [{}, {activation: 'relu'}, {useBias: false}],
  gru: [{}, {recurrentActivation: 'sigmoid'}, {useBias: false}],
  lstm: [{}, {recurrentActivation: 'sigmoid', activation: 'elu'}, {useBias: false, unitForgetBias: true}],
};
for (const [name, variants] of Object.entries(dense)) {
  const own = name === 'lstm' ? [[3, 2], [3, 2]] : [[3, 2]];
  for (const options of variants) record(L[name]({units: 2, ...options}), DENSE);
  for (const goBackwards of [false, true]) {
    for (const returnSequences of [false, true]) {
      const options = {units: 2, goBackwards, returnSequences, returnState: true};
      record(L[name](options), DENSE, {states: own, mask: MASK});
    }
  }
  record(L[name]({units: 1, returnSequences: true}), DENSE, {mask: MASK});
  const stateful = {units: 2, stateful: true, returnState: true, batchInputShape: DENSE};
  record(L[name](stateful), DENSE, {batches: 3, gradients: false});
}

const cells = () => [
  L.lstmCell({units: 2}), L.gruCell({units: 3, recurrentActivation: 'sigmoid'}), L.simpleRNNCell({units: 2})];
record(L.rnn({cell: L.gruCell({units: 2}), returnSequences: true}), DENSE, {mask: MASK});
record(L.rnn({cell: cells()}), DENSE);
record(L.rnn({cell: cells(), returnSequences: true, returnState: true, goBackwards: true}), DENSE, {mask: MASK});
record(L.rnn({cell: cells(), returnState: true}), DENSE, {states: [[3, 2], [3, 3], [3, 2], [3, 2]]});

const VIDEO = [1, 3, 4, 3, 2];
for (const options of [
  {}, {padding: 'same', returnSequences: true}, {strides: 2, padding: 'same'}, {dilationRate: [2, 1]},
  {dataFormat: 'channelsFirst', returnState: true, returnSequences: true, goBackwards: true},
  {useBias: false, strides: [2, 1], recurrentActivation: 'sigmoid'},
]) {
  const first = options.dataFormat === 'channelsFirst';
  // TensorFlow.js has no gradient of a dilated convolution.
  record(L.convLstm2d({filters: 2, kernelSize: 2, ...options}), first ? [1, 3, 2, 4, 3] : VIDEO,
    {gradients: !options.dilationRate});
}
record(L.convLstm2d({filters: 1, kernelSize: [1, 2], returnState: true}), VIDEO, {states: [[1, 4, 2, 1], [1, 4, 2, 1]]});

for (const mergeMode of ['concat', 'sum', 'mul', 'ave', null]) {
  record(L.bidirectional({layer: L.gru({units: 2, returnSequences: true}), mergeMode}), DENSE, {mask: MASK});
  record(L.bidirectional({layer: L.simpleRNN({units: 2, returnState: true}), mergeMode}), DENSE,
    {states: [[3, 2], [3, 2]]});
}
record(L.bidirectional({layer: L.lstm({units: 2, goBackwards: true, returnSequences: true}), mergeMode: 'concat'}), DENSE);
record(L.bidirectional({layer: L.lstm({units: 2, returnState: true, returnSequences: true}), mergeMode: 'concat'}), DENSE,
  {states: [[3, 2], [3, 2], [3, 2], [3, 2]], mask: MASK});

record(L.timeDistributed({layer: L.dense({units: 2, activation: 'tanh'})}), DENSE);
record(L.timeDistributed({layer: L.simpleRNN({units: 2})}), [2, 3, 4, 2]);
record(L.timeDistributed({layer: L.bidirectional({layer: L.lstm({units: 1}), mergeMode: 'concat'})}), [2, 3, 2, 2]);
record(L.timeDistributed({layer: L.conv2d({filters: 2, kernelSize: 2})}), [1, 2, 3, 3, 1]);

write(process.argv[2], cases);
console.log(`${cases.length} cases`);
