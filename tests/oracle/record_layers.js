// Records what TensorFlow.js computes for the layers that merge, normalise, embed, attend and prepare data.
//
//   npm install @tensorflow/tfjs@4.22.0
//   node record_layers.js OUT.json.gz
//
// The file holds one JSON list of cases. Tensors are {dtype, shape, values}, flat and row-major; tests/corpus.py
// reads them. A case of a layer has its class and configuration, its inputs (a list, also of one), the weights, the
// options of the call and the output; the weights afterwards, where the call changed them; and, where TensorFlow.js
// can differentiate, the gradients of sum(output * ramp) with respect to the inputs and the weights.
//
// Some of what its cpu backend computes is not what its other backends do, or wrong on all, and is avoided here: batch
// normalisation along another axis than the last, how often a category occurs among several with output mode multiHot
// and no batch, and the gradients of images resized in batches and of arrays broadcast while merging.
const {register} = require('node:module');

// The layers for language models are in the package, but not exported: their files are ES modules in all but name.
register('data:text/javascript,' + encodeURIComponent(`
  export const resolve = (name, context, next) => next(name.startsWith('.') && !name.endsWith('.js') ? name + '.js' : name, context);
  export const load = (url, context, next) => next(url, url.includes('/tfjs-layers/dist/') ? {...context, format: 'module'} : context);
`));
const tf = require('@tensorflow/tfjs');
const {encode, write} = require('./encode');

const cases = [];

// --- inputs -----------------------------------------------------------------------------------------

// Numbers that look random and are the same on every run, with few digits.
let seed = 4711;
function uniform(low = 0, high = 1) {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return low + (high - low) * (seed / 0x7fffffff);
}
function fill(shape, make, dtype = 'float32') {
  return tf.tensor(Array.from({length: tf.util.sizeFromShape(shape)}, make), shape, dtype);
}
const noise = shape => fill(shape, () => Math.round(uniform(-200, 200)) / 100);
const positive = shape => fill(shape, () => Math.round(uniform(20, 200)) / 100);
const integers = below => shape => fill(shape, () => Math.floor(uniform(0, below)), 'int32');
const fewNumbers = shape => fill(shape, () => Math.floor(uniform(0, 3)));
const far = shape => noise(shape).add(100);
const bools = shape => fill(shape, () => uniform() < 0.6, 'bool');
// A weight for each result, so that every part of a gradient can be told from the others.
function ramp(shape) {
  const size = tf.util.sizeFromShape(shape);
  return tf.linspace(0.5, 1.5, Math.max(size, 2)).slice([0], [size]).reshape(shape);
}

// --- layers -----------------------------------------------------------------------------------------

function attempt(f) {
  try {
    return f();
  } catch (error) {
    return null;  // what TensorFlow.js cannot differentiate
  }
}

function layer(factory, options, shapes, {make = noise, call = {}, batch = 2, wrong = false} = {}) {
  const made = tf.layers[factory]({...options, name: 'layer'});
  const inputs = shapes.map(shape => make([batch, ...shape]));
  const apply = xs => made.apply(shapes.length === 1 ? xs[0] : xs, call);
  made.build(shapes.length === 1 ? inputs[0].shape : inputs.map(x => x.shape));
  const weights = made.weights.map(weight => (/variance|gamma/.test(weight.name) ? positive : noise)(weight.shape));
  const loss = xs => {
    made.setWeights(weights);  // a call may have changed them
    const y = apply(xs);
    return y.toFloat().mul(ramp(y.shape)).sum();
  };
  const variables = made.trainableWeights.map(weight => weight.val);
  const grads = variables.length === 0 ? {} : attempt(() => tf.variableGrads(() => loss(inputs), variables).grads);
  const inputGradients = inputs[0].dtype === 'int32' || wrong ? null : attempt(() => tf.grads((...xs) => loss(xs))(inputs));
  made.setWeights(weights);
  const before = made.getWeights().map(weight => weight.clone());
  const output = apply(inputs);
  cases.push({
    id: `${made.getClassName()}-${cases.length}`,
    ...encode({
      className: made.getClassName(),
      config: made.getConfig(),
      inputs,
      weights: before,
      call,
      output,
      weightsAfter: call.training ? made.getWeights() : null,
      inputGradients,
      weightGradients: grads && variables.map(variable => grads[variable.name]),
    }),
  });
}

function mask(factory, options, inputs, masks) {
  const made = tf.layers[factory]({...options, name: 'layer'});
  const several = inputs.length > 1;
  const result = made.computeMask(several ? inputs : inputs[0], several ? masks : masks[0]);
  cases.push({
    id: `${made.getClassName()}-${cases.length}`,
    ...encode({className: made.getClassName(), config: made.getConfig(), inputs, masks, mask: result}),
  });
}

// --- merging ----------------------------------------------------------------------------------------

function merging() {
  for (const factory of ['add', 'average', 'maximum', 'minimum', 'multiply']) {
    layer(factory, {}, [[2, 3], [2, 3]]);
    layer(factory, {}, [[3], [3], [3]], {make: fewNumbers});
    // Here the gradients of inputs that were broadcast are wrong, or not there.
    layer(factory, {}, [[2, 4, 3], [3]], {wrong: true});
    layer(factory, {}, [[3], [2, 4, 3], [4, 1]], {wrong: true});
    layer(factory, {}, [[2, 1], [1, 3]], {make: integers(9)});
  }
  for (const axis of [-1, 1, 2]) layer('concatenate', {axis}, [[2, 3], [2, 3], [2, 3]]);
  layer('concatenate', {}, [[2, 3], [2, 1]]);
  layer('concatenate', {axis: 1}, [[1, 2, 2], [3, 2, 2]]);
  for (const normalize of [false, true]) {
    layer('dot', {axes: -1, normalize}, [[3], [3]]);
    layer('dot', {axes: 1, normalize}, [[3], [3, 2]]);
    layer('dot', {axes: [1, 2], normalize}, [[3], [2, 3]]);
    layer('dot', {axes: [2, 1], normalize}, [[2, 3], [3]]);
    layer('dot', {axes: 1, normalize}, [[3, 2], [3, 4]]);
    layer('dot', {axes: [2, 1], normalize}, [[2, 3], [3, 4]]);
    layer('dot', {axes: [1, 2], normalize}, [[3, 2], [4, 3]]);
    layer('dot', {axes: 2, normalize}, [[2, 3], [4, 3]]);
  }
  layer('dot', {axes: -1, normalize: true}, [[3], [3]], {make: tf.zeros});
  const two = [noise([2, 3, 2]), noise([2, 3, 2])];
  mask('concatenate', {}, two, [bools([2, 3]), bools([2, 3])]);
  mask('concatenate', {}, two, [null, bools([2, 3])]);
  mask('concatenate', {axis: 1}, two, [bools([2, 3]), bools([2, 3])]);
  mask('concatenate', {}, two, [null, null]);
}

// --- normalisation ----------------------------------------------------------------------------------

function normalisation() {
  for (const training of [false, true]) {
    for (const [shape, axis] of [[[3], -1], [[4, 3], -1], [[4, 3], 2], [[2, 3, 2], -1]]) {
      layer('batchNormalization', {axis, momentum: 0.8, epsilon: 0.01}, [shape], {call: {training}, batch: 3});
    }
    layer('batchNormalization', {}, [[2, 2, 2]], {call: {training}, make: far});
    layer('batchNormalization', {center: false, momentum: training ? 0.9 : 0.99}, [[3]], {call: {}});
    layer('batchNormalization', {scale: false, epsilon: training ? 1e-5 : 1e-3}, [[3, 2]], {call: {}});
  }
  for (const [shape, axis] of [[[3], -1], [[4, 3], -1], [[4, 3], 1], [[4, 3], [1, 2]], [[2, 3, 2], [-1, -2]], [[2, 3, 2], [3, 1]]]) {
    layer('layerNormalization', {axis}, [shape]);
    layer('layerNormalization', {axis, epsilon: 0.1, center: false}, [shape], {make: far});
    layer('layerNormalization', {axis, scale: false}, [shape]);
  }
}

// --- noise, embedding, masking ----------------------------------------------------------------------

function sequences() {
  layer('gaussianNoise', {stddev: 0.5}, [[3]]);
  layer('gaussianDropout', {rate: 0.5}, [[3]]);
  layer('gaussianDropout', {rate: 1}, [[3]], {call: {training: true}});
  layer('alphaDropout', {rate: 0.5, noiseShape: [2, 1]}, [[3]]);
  layer('alphaDropout', {rate: 0}, [[3]], {call: {training: true}});
  layer('spatialDropout1d', {rate: 0.5, seed: 3}, [[3, 2]]);
  layer('spatialDropout1d', {rate: 1}, [[3, 2]], {call: {training: true}});
  layer('embedding', {inputDim: 5, outputDim: 3}, [[4]], {make: integers(5)});
  layer('embedding', {inputDim: 4, outputDim: 2, inputLength: [2, null], maskZero: true}, [[2, 3]], {make: integers(4)});
  layer('embedding', {inputDim: 3, outputDim: 2, inputShape: [2], batchSize: 2}, [[2]], {make: fewNumbers});
  layer('embedding', {inputDim: 9, outputDim: 2, inputLength: 2, embeddingsRegularizer: 'l1l2', embeddingsConstraint: 'nonNeg',
                      embeddingsInitializer: 'ones'}, [[2]], {make: positive});
  layer('masking', {}, [[6, 2]], {make: fewNumbers, batch: 4});
  layer('masking', {maskValue: 2}, [[6, 2]], {make: fewNumbers, batch: 4});
  mask('masking', {maskValue: 1}, [fewNumbers([5, 4, 2])], [bools([5, 4])]);
  mask('masking', {}, [fewNumbers([9, 1])], [null]);
  mask('embedding', {inputDim: 3, outputDim: 2, maskZero: true}, [fewNumbers([5, 4])], [null]);
  mask('embedding', {inputDim: 3, outputDim: 2}, [fewNumbers([5, 4])], [null]);
}

// --- preparing data ---------------------------------------------------------------------------------

function preparing() {
  layer('rescaling', {scale: 0.5}, [[3]]);
  layer('rescaling', {scale: 1 / 255, offset: -0.5}, [[2, 3]], {make: integers(256)});
  for (const interpolation of ['bilinear', 'nearest']) {
    for (const cropToAspectRatio of [false, true]) {
      for (const [height, width] of [[2, 7], [6, 3], [4, 5], [1, 1]]) {
        layer('resizing', {height, width, interpolation, cropToAspectRatio}, [[4, 5, 2]], {wrong: true});
      }
    }
  }
  for (const [height, width] of [[4, 5], [3, 5], [4, 4], [3, 3], [2, 2], [1, 1], [5, 5], [4, 6], [3, 7], [2, 1]]) {
    layer('centerCrop', {height, width}, [[4, 5, 1]], {wrong: true});
  }
  layer('centerCrop', {height: 3, width: 3}, [[2, 2, 1]], {make: integers(9)});
  for (const outputMode of ['oneHot', 'multiHot', 'count']) {
    layer('categoryEncoding', {numTokens: 5, outputMode}, [[outputMode === 'oneHot' ? 1 : 4]], {make: integers(5), batch: 3});
    layer('categoryEncoding', {numTokens: 6, outputMode}, [[]], {make: ([n]) => tf.range(1, n + 1), batch: 4});
  }
  layer('categoryEncoding', {numTokens: 5, outputMode: 'count'}, [[4]], {make: integers(5), call: {countWeights: positive([2, 4])}});
  for (const config of [{factor: 0.3}, {factor: [-0.2, 0.5], interpolation: 'nearest', seed: 3}]) {
    cases.push({id: `RandomWidth-${cases.length}`, className: 'RandomWidth', config: encode(tf.layers.randomWidth({...config, name: 'layer'}).getConfig())});
  }
}

// --- attention --------------------------------------------------------------------------------------

async function attention() {
  tf.disposeVariables();  // these files count the names of weights for themselves
  const directory = '@tensorflow/tfjs-layers/dist/layers/nlp';
  const {EinsumDense} = await import(`${directory}/einsum_dense.js`);
  const {MultiHeadAttention} = await import(`${directory}/multihead_attention.js`);
  const {PositionEmbedding} = await import(`${directory}/modeling/position_embedding.js`);

  for (const [equation, outputShape, biasAxes, shape] of [
    ['ab,bc->ac', [4], 'c', [3]], ['abc,cd->abd', [null, 2], 'd', [4, 3]], ['abc,cd->abd', [4, 2], 'bd', [4, 3]],
    ['abc,cde->abde', [null, 2, 3], 'd', [2, 3]], ['abc,cde->abde', [null, 2, 3], 'e', [2, 3]], ['abcd,cde->abe', [null, 4], null, [2, 3, 2]],
    ['abc,bcd->ad', [3], 'd', [2, 2]], ['ab,b->a', [], null, [3]], ['abc,bd->adc', [2, null], 'd', [2, 3]],
  ]) {
    for (const activation of [null, 'tanh']) {
      const made = new EinsumDense({equation, outputShape, biasAxes, activation, name: 'layer'});
      const x = noise([2, ...shape]);
      made.build(x.shape);
      made.setWeights(made.weights.map(weight => noise(weight.shape)));
      cases.push({id: `EinsumDense-${cases.length}`, ...encode({
        className: 'EinsumDense', config: made.getConfig(), inputs: [x], weights: made.getWeights(), call: {}, output: made.apply(x),
        weightsAfter: null, inputGradients: null, weightGradients: null,
      })});
    }
  }

  for (const [sequenceLength, shape, startIndex] of [[4, [4, 3], 0], [6, [2, 3], 3], [3, [2, 3, 2], 0]]) {
    const made = new PositionEmbedding({sequenceLength, name: 'layer'});
    const x = noise([2, ...shape]);
    made.build(x.shape);
    made.setWeights(made.weights.map(weight => noise(weight.shape)));
    cases.push({id: `PositionEmbedding-${cases.length}`, ...encode({
      className: 'PositionEmbedding', config: made.getConfig(), inputs: [x], weights: made.getWeights(), call: {startIndex},
      output: made.call(x, {startIndex}), weightsAfter: null, inputGradients: null, weightGradients: null,
    })});
  }

  for (const [options, query, value, key, call, masks] of [
    [{numHeads: 2, keyDim: 3}, [3, 4], [5, 4], null, {}],
    [{numHeads: 2, keyDim: 3, useBias: false}, [3, 4], [5, 2], [5, 3], {}],
    [{numHeads: 1, keyDim: 2, valueDim: 4, outputShape: [3]}, [3, 4], [5, 4], null, {}],
    [{numHeads: 2, keyDim: 2, outputShape: [2, 3]}, [3, 4], [5, 4], null, {}],
    [{numHeads: 2, keyDim: 2, dropout: 0.5}, [4, 3], [4, 3], null, {useCausalMask: true}],
    [{numHeads: 2, keyDim: 2}, [2, 3], [4, 3], null, {useCausalMask: true}],
    [{numHeads: 2, keyDim: 2}, [3, 4], [5, 4], null, {attentionMask: bools([2, 3, 5])}],
    [{numHeads: 2, keyDim: 2}, [3, 4], [5, 4], null, {attentionMask: bools([2, 2, 3, 5])}],
    [{numHeads: 2, keyDim: 2}, [3, 4], [5, 4], null, {attentionMask: bools([2, 3, 5])}, [bools([2, 3]), null]],
    [{numHeads: 2, keyDim: 2}, [3, 4], [5, 4], null, {useCausalMask: true}, [null, bools([2, 5])]],
    [{numHeads: 2, keyDim: 2}, [4, 3], [4, 3], null, {attentionMask: bools([2, 4, 4]), useCausalMask: true}, [bools([2, 4]), bools([2, 4])]],
    [{numHeads: 2, keyDim: 2, attentionAxes: 1}, [3, 4], [5, 4], null, {}],
    [{numHeads: 2, keyDim: 2, attentionAxes: [2]}, [2, 3, 4], [2, 5, 4], null, {attentionMask: bools([2, 2, 3, 5])}],
    [{numHeads: 2, keyDim: 2}, [2, 3, 4], [3, 2, 4], null, {}],
    [{numHeads: 1, keyDim: 2, attentionAxes: [1, 2]}, [2, 3, 4], [3, 2, 4], null, {attentionMask: bools([2, 2, 3, 3, 2])}],
  ]) {
    const made = new MultiHeadAttention({...options, name: 'layer'});
    const inputs = [query, value, key].filter(shape => shape).map(shape => noise([2, ...shape]));
    made.buildFromSignature(...inputs.map(x => x.shape));
    made.queryDense.build(inputs[0].shape);
    made.keyDense.build(inputs[inputs.length - 1].shape);
    made.valueDense.build(inputs[1].shape);
    made.outputDense.build([...inputs[0].shape.slice(0, -1), made.numHeads, made.valueDim]);
    const projections = [made.queryDense, made.keyDense, made.valueDense, made.outputDense];
    for (const one of projections) one.setWeights(one.weights.map(weight => noise(weight.shape)));
    (masks || []).forEach((m, i) => { if (m) inputs[i].kerasMask = m; });
    const [output, scores] = made.callAndReturnAttentionScores(inputs[0], {value: inputs[1], key: inputs[2], ...call});
    cases.push({id: `MultiHeadAttention-${cases.length}`, ...encode({
      className: 'MultiHeadAttention', config: made.getConfig(), inputs, weights: projections.flatMap(one => one.getWeights()),
      call, masks: masks || null, output, scores,
    })});
  }
}

(async () => {
  await tf.setBackend('cpu');
  merging();
  normalisation();
  sequences();
  preparing();
  await attention();
  write(process.argv[2], cases);
  console.log(`${cases.length} cases from TensorFlow.js ${tf.version.tfjs}, backend ${tf.getBackend()}`);
})();
