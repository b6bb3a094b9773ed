// Records how TensorFlow.js writes down optimizers, initializers, regularizers and constraints, and how it names layers.
//
//   npm install @tensorflow/tfjs@4.22.0
//   node record_configs.js OUT.json
//
// The file holds {configs, optimizersByName, layerNames}. A config is {kind, factory, args, className, config}: the
// function of TF.js, its arguments, and what it made. null stands for undefined.
const fs = require('fs');
const tf = require('@tensorflow/tfjs');

const KINDS = {optimizer: tf.train, initializer: tf.initializers, regularizer: tf.regularizers, constraint: tf.constraints};
const CALLS = [
  ['optimizer', 'sgd', 0.1],
  ['optimizer', 'momentum', 0.1, 0.8],
  ['optimizer', 'momentum', 0.1, 0.8, true],
  ['optimizer', 'adagrad', 0.1],
  ['optimizer', 'adagrad', 0.1, 0.3],
  ['optimizer', 'adadelta'],
  ['optimizer', 'adadelta', 0.5, 0.9, 1e-4],
  ['optimizer', 'adam'],
  ['optimizer', 'adam', 0.01, 0.8, 0.99, 1e-5],
  ['optimizer', 'adamax'],
  ['optimizer', 'adamax', 0.01, 0.8, 0.99, 1e-5, 0.25],
  ['optimizer', 'rmsprop', 0.1],
  ['optimizer', 'rmsprop', 0.1, 0.8, 0.5, 1e-5, true],
  ['initializer', 'zeros'],
  ['initializer', 'ones'],
  ['initializer', 'constant', {value: 2.5}],
  ['initializer', 'identity', {}],
  ['initializer', 'identity', {gain: 2}],
  ['initializer', 'randomUniform', {}],
  ['initializer', 'randomUniform', {minval: -2, maxval: 3, seed: 4}],
  ['initializer', 'randomNormal', {}],
  ['initializer', 'randomNormal', {mean: 1, stddev: 2, seed: 3}],
  ['initializer', 'truncatedNormal', {}],
  ['initializer', 'truncatedNormal', {mean: 1, stddev: 2, seed: 3}],
  ['initializer', 'orthogonal', {}],
  ['initializer', 'orthogonal', {gain: 2, seed: 3}],
  ['initializer', 'varianceScaling', {}],
  ['initializer', 'varianceScaling', {scale: 2, mode: 'fanOut', distribution: 'uniform', seed: 3}],
  ['initializer', 'varianceScaling', {distribution: 'truncatedNormal'}],
  ['initializer', 'glorotUniform', {}],
  ['initializer', 'glorotNormal', {seed: 3}],
  ['initializer', 'heUniform', {}],
  ['initializer', 'heNormal', {seed: 3}],
  ['initializer', 'leCunUniform', {}],
  ['initializer', 'leCunNormal', {seed: 3}],
  ['regularizer', 'l1', {}],
  ['regularizer', 'l1', {l1: 0.5}],
  ['regularizer', 'l2', {}],
  ['regularizer', 'l2', {l2: 0.5}],
  ['regularizer', 'l1l2', {}],
  ['regularizer', 'l1l2', {l1: 0.5, l2: 0.25}],
  ['constraint', 'maxNorm', {}],
  ['constraint', 'maxNorm', {maxValue: 3, axis: 1}],
  ['constraint', 'unitNorm', {}],
  ['constraint', 'unitNorm', {axis: 1}],
  ['constraint', 'nonNeg'],
  ['constraint', 'minMaxNorm', {}],
  ['constraint', 'minMaxNorm', {minValue: 0.5, maxValue: 2, rate: 0.25, axis: 1}],
];

const configs = CALLS.map(([kind, factory, ...args]) => {
  const made = KINDS[kind][factory](...args);
  return {kind, factory, args, className: made.getClassName(), config: made.getConfig()};
});

const optimizersByName = {};
for (const name of ['sgd', 'adagrad', 'adadelta', 'adam', 'adamax', 'rmsprop', 'SGD', 'RMSProp']) {
  const model = tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [1]})]});
  model.compile({optimizer: name, loss: 'meanSquaredError'});
  optimizersByName[name] = model.optimizer.getConfig();
}

const cell = () => tf.layers.lstmCell({units: 1});
const LAYERS = {
  activation: {activation: 'relu'}, add: {}, alphaDropout: {rate: 0.1}, average: {}, averagePooling1d: {},
  averagePooling2d: {}, averagePooling3d: {}, batchNormalization: {}, bidirectional: {layer: tf.layers.gru({units: 1})},
  categoryEncoding: {numTokens: 2}, concatenate: {}, conv1d: {filters: 1, kernelSize: 1},
  conv2d: {filters: 1, kernelSize: 1}, conv2dTranspose: {filters: 1, kernelSize: 1},
  conv3d: {filters: 1, kernelSize: 1}, conv3dTranspose: {filters: 1, kernelSize: 1},
  convLstm2d: {filters: 1, kernelSize: 1}, convLstm2dCell: {filters: 1, kernelSize: 1}, cropping2D: {cropping: [[1, 1], [1, 1]]},
  dense: {units: 1}, depthwiseConv2d: {kernelSize: 1}, dot: {axes: 1}, dropout: {rate: 0.1}, elu: {},
  embedding: {inputDim: 2, outputDim: 2}, flatten: {}, gaussianDropout: {rate: 0.1}, gaussianNoise: {stddev: 1},
  globalAveragePooling1d: {}, globalAveragePooling2d: {}, globalMaxPooling1d: {}, globalMaxPooling2d: {},
  gru: {units: 1}, gruCell: {units: 1}, inputLayer: {inputShape: [1]}, layerNormalization: {}, leakyReLU: {},
  lstm: {units: 1}, lstmCell: {units: 1}, masking: {}, maxPooling1d: {}, maxPooling2d: {}, maxPooling3d: {},
  maximum: {}, minimum: {}, multiply: {}, permute: {dims: [1]}, prelu: {}, reLU: {}, repeatVector: {n: 2},
  rescaling: {scale: 1}, reshape: {targetShape: [1]}, rnn: {cell: cell()}, separableConv2d: {filters: 1, kernelSize: 1},
  simpleRNN: {units: 1}, simpleRNNCell: {units: 1}, softmax: {}, spatialDropout1d: {rate: 0.1},
  stackedRNNCells: {cells: [cell()]}, thresholdedReLU: {}, timeDistributed: {layer: tf.layers.dense({units: 1})},
  upSampling2d: {}, zeroPadding2d: {},
};
const layerNames = {};
for (const [factory, args] of Object.entries(LAYERS)) {
  let layer;
  try {
    layer = tf.layers[factory](args);
  } catch (error) {
    console.error(`left out ${factory}: ${error.message}`);
    continue;
  }
  // The number counts layers made before, here and within TF.js.
  layerNames[factory] = {className: layer.getClassName(), name: layer.name.replace(/\d+$/, '')};
}

const noUndefined = (_, value) => (value === undefined ? null : value);
fs.writeFileSync(process.argv[2], JSON.stringify({configs, optimizersByName, layerNames}, noUndefined) + '\n');
