// How the recorders write what they have recorded: tests/corpus.py reads it.
const fs = require('fs');
const zlib = require('zlib');
const tf = require('@tensorflow/tfjs');

// The fewest digits that give the same float32 back; what is not finite as text.
function number(value) {
  if (!Number.isFinite(value)) return String(value);
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}

// Tensors, anywhere in lists and objects, as {dtype, shape, values}, flat and row-major.
function encode(value) {
  if (value instanceof tf.Tensor) {
    return {dtype: value.dtype, shape: value.shape, values: Array.from(value.dataSync(), number)};
  }
  if (Array.isArray(value)) return value.map(encode);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encode(item)]));
  }
  return value;
}

// One JSON list, a case a line.
function write(path, cases) {
  fs.writeFileSync(path, zlib.gzipSync(`[\n${cases.map(item => JSON.stringify(item)).join(',\n')}\n]\n`, {level: 9}));
}

module.exports = {number, encode, write};
