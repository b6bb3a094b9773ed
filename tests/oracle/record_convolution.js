// Records what TensorFlow.js computes for the layers of convolution and pooling, for those that cut, pad and
// enlarge images, and for its functions that resize images.
//
//   npm install @tensorflow/tfjs@4.22.0
//   node record_convolution.js OUT.json.gz
//
// The file holds one JSON list of cases. Tensors are {dtype, shape, values}, flat and row-major. tests/corpus.py
// reads them. A case of a layer has its class and configuration, one input, the weights, the output and, where
// TensorFlow.js can differentiate, the gradients of sum(output * ramp) with respect to the input and the weights.
//
// Some of its gradients are not those of its own outputs, and are left out or avoided here: average pooling divides
// by the whole window where padding is not counted; the largest in windows of a volume is looked for at a wrong
// place unless they are as wide as high; of resized images, those behind the first of a batch are mixed up, and
// height and width where they are interpolated.
const tf = require('@tensorflow/tfjs');
const {encode, write} = require('./encode');

const cases = [];

// --- inputs -----------------------------------------------------------------------------------------

// Numbers that look random and are the same on every run, with few digits.
let seed = 2024;
function uniform(low = 0, high = 1) {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return low + (high - low) * (seed / 0x7fffffff);
}
function noise(shape) {
  const values = Array.from({length: tf.util.sizeFromShape(shape)}, () => Math.round(uniform(-200, 200)) / 100);
  return tf.tensor(values, shape);
}
function fewIntegers(shape) {
  return tf.tensor(Array.from({length: tf.util.sizeFromShape(shape)}, () => Math.floor(uniform(0, 3))), shape);
}
function distinct(shape) {
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(Array.from({length: size}, (_, i) => ((i * 37) % size) / 50 - 1), shape);
}
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

function layer(factory, options, shape, {make = noise, batch = 2} = {}) {
  const made = tf.layers[factory]({...options, name: 'layer'});
  const x = make([batch, ...shape]);
  made.build(x.shape);
  made.setWeights(made.weights.map(weight => noise(weight.shape)));
  const f = input => {
    const y = made.apply(input);
    return y.mul(ramp(y.shape)).sum();
  };
  const wrong = factory.startsWith('average') && options.padding === 'same';
  const variables = made.trainableWeights.map(weight => weight.val);
  const grads = variables.length === 0 ? {} : attempt(() => tf.variableGrads(() => f(x), variables).grads);
  cases.push({
    id: `${made.getClassName()}-${cases.length}`,
    ...encode({
      className: made.getClassName(),
      // TensorFlow.js leaves the multiplier of a separable convolution out.
      config: options.depthMultiplier ? {...made.getConfig(), depthMultiplier: options.depthMultiplier} : made.getConfig(),
      input: x,
      weights: made.getWeights(),
      output: made.apply(x),
      shape: made.computeOutputShape([null, ...shape]),
      inputGradient: wrong ? null : attempt(() => tf.grad(f)(x)),
      weightGradients: grads && variables.map(variable => grads[variable.name]),
    }),
  });
}

const first = {dataFormat: 'channelsFirst'};

function record() {
  for (const padding of ['valid', 'same']) {
    for (const [kernelSize, strides] of [[3, 1], [2, 3], [4, 2]]) {
      layer('conv1d', {filters: 2, kernelSize, strides, padding}, [7, 2]);
      layer('conv2d', {filters: 2, kernelSize: [kernelSize, 2], strides: [1, strides], padding}, [5, 4, 2]);
      layer('conv2dTranspose', {filters: 2, kernelSize: [kernelSize, 3], strides: [strides, 2], padding}, [3, 2, 2]);
      layer('conv3dTranspose', {filters: 1, kernelSize: [2, kernelSize, 1], strides: [2, strides, 1], padding}, [2, 2, 1, 2]);
      layer('depthwiseConv2d', {kernelSize, strides, padding, depthMultiplier: 2}, [5, 4, 2]);
      layer('separableConv2d', {filters: 2, kernelSize, strides, padding}, [4, 5, 2]);
      for (const pool of ['maxPooling', 'averagePooling']) {
        layer(`${pool}1d`, {poolSize: kernelSize, strides, padding}, [6, 2]);
        layer(`${pool}2d`, {poolSize: [kernelSize, 2], strides: [strides, 3], padding}, [5, 4, 2]);
        // A stride that leaves gaps: in three dimensions the windows do not begin at the edge. Of equal numbers
        // the last would get the gradient there, and the first in two dimensions.
        layer(`${pool}3d`, {poolSize: [1, kernelSize, kernelSize], strides: [3, strides, 1], padding}, [5, 4, 5, 1], {make: distinct});
      }
    }
    layer('conv3d', {filters: 2, kernelSize: [1, 2, 3], strides: [3, 1, 2], padding}, [5, 3, 4, 1]);
    layer('conv3d', {filters: 1, kernelSize: 2, padding, activation: 'relu', useBias: false}, [2, 3, 2, 2]);
    layer('conv3d', {filters: 1, kernelSize: 2, dilationRate: [1, 2, 2], padding}, [2, 4, 3, 2]);
    layer('conv1d', {filters: 2, kernelSize: 2, dilationRate: 3, padding, activation: 'tanh'}, [6, 1]);
    layer('conv2d', {filters: 2, kernelSize: 3, dilationRate: [1, 2], padding, useBias: false}, [4, 6, 1]);
    layer('separableConv2d', {filters: 2, kernelSize: 2, dilationRate: 2, padding, depthMultiplier: 2}, [5, 4, 1]);
    layer('conv2d', {filters: 2, kernelSize: 2, padding, ...first, activation: 'softmax'}, [2, 3, 4]);
    layer('conv3d', {filters: 2, kernelSize: 2, padding, ...first}, [2, 2, 3, 2]);
    layer('conv2dTranspose', {filters: 2, kernelSize: 3, strides: 2, padding, ...first}, [2, 3, 2]);
    layer('conv3dTranspose', {filters: 1, kernelSize: 1, strides: [3, 1, 1], padding, ...first}, [2, 2, 1, 2]);
    layer('depthwiseConv2d', {kernelSize: 2, strides: 2, padding, ...first}, [2, 5, 4]);
    layer('separableConv2d', {filters: 2, kernelSize: 2, padding, useBias: false, ...first}, [2, 3, 4]);
    for (const pool of ['maxPooling', 'averagePooling']) {
      layer(`${pool}2d`, {poolSize: 2, strides: 1, padding, ...first}, [2, 3, 4]);
      layer(`${pool}3d`, {poolSize: 2, strides: 1, padding, ...first}, [2, 3, 2, 2]);
    }
    layer('maxPooling1d', {poolSize: 3, strides: 1, padding}, [9, 2], {make: fewIntegers});
    layer('maxPooling2d', {poolSize: 2, padding}, [5, 6, 2], {make: fewIntegers});
    layer('maxPooling2d', {poolSize: 3, strides: 2, padding}, [6, 7, 1], {make: fewIntegers});
    layer('maxPooling2d', {poolSize: 4, strides: 1, padding}, [6, 7, 1], {make: fewIntegers});
    layer('maxPooling1d', {poolSize: 17, strides: 2, padding}, [20, 1], {make: fewIntegers});
    layer('averagePooling1d', {poolSize: 17, strides: 2, padding}, [20, 1]);
  }
  layer('globalMaxPooling1d', {}, [4, 2]);
  layer('globalAveragePooling1d', {}, [4, 2]);
  for (const options of [{}, first]) {
    layer('globalMaxPooling2d', options, [2, 3, 2]);
    layer('globalAveragePooling2d', options, [2, 3, 2]);
    layer('cropping2D', {cropping: 1, ...options}, [3, 4, 3]);
    layer('cropping2D', {cropping: [[1, 0], [0, 2]], ...options}, [3, 4, 3]);
    layer('zeroPadding2d', {padding: [1, 2], ...options}, [2, 1, 2]);
    layer('zeroPadding2d', {padding: [[0, 1], [2, 0]], ...options}, [2, 1, 2]);
    layer('upSampling2d', {...options}, [2, 3, 2], {batch: 1});
    layer('upSampling2d', {size: [3, 1], interpolation: 'bilinear', ...options}, [3, 2, 2]);
    layer('upSampling2d', {size: [2, 4], interpolation: 'bilinear', ...options}, [2, 2, 2]);
  }

  for (const op of ['resizeBilinear', 'resizeNearestNeighbor']) {
    for (const [alignCorners, halfPixelCenters] of [[false, false], [true, false], [false, true]]) {
      for (const size of [[1, 1], [2, 6], [5, 3], [3, 7], [6, 8]]) {
        const images = noise([op === 'resizeBilinear' ? 2 : 1, 4, 4, 1]);
        const f = x => tf.image[op](x, size, alignCorners, halfPixelCenters);
        const gradient = halfPixelCenters ? null : attempt(() => tf.grad(x => f(x).mul(ramp([x.shape[0], ...size, 1])).sum())(images));
        cases.push({
          id: `${op}-${cases.length}`,
          ...encode({op, size, alignCorners, halfPixelCenters, input: images, output: f(images), inputGradient: gradient}),
        });
      }
    }
  }
}

tf.setBackend('cpu').then(() => {
  tf.tidy(record);
  write(process.argv[2], cases);
  console.log(`${cases.length} cases; without gradients: ` +
    cases.filter(c => c.inputGradient === null).map(c => c.id).join(' '));
});
