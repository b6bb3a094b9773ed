// Records what operations of TensorFlow.js compute for which jtf names something else to write.
//
//   npm install @tensorflow/tfjs@4.22.0
//   node record_operations.js OUT.json
//
// The file holds a list of {name, arguments, value}. `arguments` are by the names that what to write has for them (x, y,
// axis, indices, ...), or in order; `value` is {shape, values}. NaN and infinities are strings.
const fs = require('fs');
const tf = require('@tensorflow/tfjs');

const plain = values => Array.from(values, v => typeof v === 'number' && !Number.isFinite(v) ? String(v) : v);
const tensors = args => Object.fromEntries(Object.entries(args).map(([name, v]) => {
  if (!Array.isArray(v) || /^(shape|begin|size|paddings|lower|upper|n)$/.test(name)) return [name, v];
  return [name, /indices|segments|labels|targets/.test(name) ? tf.tensor(v, undefined, 'int32') : tf.tensor(v)];
}));

const records = [];
async function record(name, args, compute) {
  const given = tensors(args);
  const at = name.split('.').reduce((owner, key) => owner[key], tf);
  const result = await (compute ? compute(given) : at(...Object.values(given)));
  records.push({name, arguments: args, value: {shape: result.shape, values: plain(await result.data())}});
}

const X = [[-1.5, -0.5, 0], [0.25, 0.75, 2.5]], Y = [[2, -3, 0.5], [0.25, 4, -1]], T = [true, false, true], F = [true, true, false];

async function main() {
  for (const name of 'abs asin asinh atan ceil cos cosh erf exp expm1 floor isFinite isInf isNaN logSigmoid neg onesLike reciprocal round sign sin sinh square tan zerosLike'.split(' ')) await record(name, {x: X});
  for (const name of 'acos atanh'.split(' ')) await record(name, {x: [-0.5, 0.25]});
  for (const name of 'acosh log log1p rsqrt sqrt'.split(' ')) await record(name, {x: [1.5, 4]});
  await record('round', {x: [0.5, 1.5, 2.5, -0.5]});
  for (const name of 'add atan2 div equal greater greaterEqual less lessEqual maximum minimum mod mul notEqual squaredDifference sub'.split(' ')) await record(name, {x: X, y: Y});
  await record('pow', {x: [2, 9], y: [3, 0.5]});
  await record('floorDiv', {x: X, y: Y});
  await record('divNoNan', {x: [1, 2, 0], y: [2, 0, 0]});
  for (const name of 'logicalAnd logicalOr logicalXor'.split(' ')) await record(name, {x: T, y: F});
  await record('logicalNot', {x: T});
  for (const name of 'max mean min prod sum logSumExp norm'.split(' ')) await record(name, {x: X});
  for (const name of 'all any'.split(' ')) await record(name, {x: T});
  for (const name of 'argMax argMin cumsum cumprod'.split(' ')) await record(name, {x: X});
  await record('euclideanNorm', {x: X});
  await record('concat', {arrays: [X, Y]}, ({arrays}) => tf.concat(tf.unstack(arrays)));
  await record('stack', {arrays: [X, Y]}, ({arrays}) => tf.stack(tf.unstack(arrays)));
  await record('dot', {x: X, y: [1, 2, 3]});
  await record('matMul', {x: X, y: [[1], [2], [3]]});
  await record('outerProduct', {x: [1, 2], y: [3, 4, 5]});
  await record('diag', {x: [1, 2]});
  await record('eye', {n: 3});
  await record('expandDims', {x: [1, 2], axis: 1});
  await record('transpose', {x: X});
  await record('reverse', {x: X});
  await record('fill', {shape: [2], value: 3});
  await record('linspace', {start: 0, stop: 1, n: 5});
  await record('range', {start: 1, stop: 7, step: 2});
  await record('tile', {x: [1, 2], shape: [3]});
  await record('clipByValue', {x: X, low: -1, high: 1});
  await record('step', {x: [-2, 0, 2], alpha: 0.5});
  await record('gather', {x: X, indices: [1, 0]});
  await record('gatherND', {x: X, indices: [[0, 1], [1, 2]]});
  await record('scatterND', {indices: [[1], [3], [1]], updates: [1, 2, 5], shape: [5]});
  await record('tensorScatterUpdate', {x: [1, 2, 3, 4], indices: [[1], [3]], updates: [9, 8]});
  await record('sparseToDense', {indices: [[1], [3]], values: [9, 8], shape: [5], default: -1},
      args => tf.sparseToDense(args.indices, args.values, args.shape, tf.scalar(-1)));
  await record('inTopKAsync', {predictions: [[20, 10, 40, 30], [30, 50, -20, 10]], targets: [2, 0], k: 1});
  await record('oneHot', {labels: [1, 0], n: 3});
  await record('unsortedSegmentSum', {x: [1, 2, 3], segments: [1, 0, 1], n: 2});
  await record('mirrorPad', {x: [1, 2, 3], paddings: [[2, 1]]}, args => tf.mirrorPad(args.x, args.paddings, 'reflect'));
  await record('searchSorted', {x: [1, 3, 5], y: [0, 3, 6]});
  await record('cosineWindow', {n: 6, a: 0.5, b: 0.4}, () => tf.signal.hannWindow(6).mul(0.8).add(0.1));
  await record('signal.hannWindow', {n: 6});
  await record('signal.hannWindow', {n: 7});
  await record('signal.hammingWindow', {n: 6});
  await record('signal.frame', {x: [1, 2, 3, 4, 5], length: 3, step: 2});
  await record('linalg.bandPart', {x: [[1, 2, 3], [4, 5, 6], [7, 8, 9]], lower: 1, upper: 0});
  await record('image.flipLeftRight', {images: [[[[1], [2]], [[3], [4]]]]});
  await record('image.grayscaleToRGB', {images: [[[[1], [2]]]]});
  await record('image.rgbToGrayscale', {images: [[[[1, 2, 3]]]]});
  await record('math.confusionMatrix', {labels: [0, 1, 1], predictions: [0, 0, 1], n: 2},
      args => tf.math.confusionMatrix(args.labels, args.predictions.toInt(), args.n));
  await record('sparse.sparseSegmentSum', {x: [[1, 2], [3, 4], [5, 6]], indices: [0, 2, 1], segments: [0, 0, 1]});
  fs.writeFileSync(process.argv[2], '[\n' + records.map(r => JSON.stringify(r)).join(',\n') + '\n]\n');
}

main();
