// Opens a model saved by jtf in TF.js and prints its predictions as JSON.
// Usage: node predict.js DIRECTORY INPUT.json    (requires @tensorflow/tfjs 4.22.0; INPUT: {shape, values})
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs');

async function main(directory, input) {
  await tf.setBackend('cpu');
  const document = JSON.parse(fs.readFileSync(path.join(directory, 'model.json'), 'utf8'));
  const [group] = document.weightsManifest;
  const bytes = Buffer.concat(group.paths.map((name) => fs.readFileSync(path.join(directory, name))));
  const model = await tf.loadLayersModel(tf.io.fromMemory({
    modelTopology: document.modelTopology,
    weightSpecs: group.weights,
    weightData: new Uint8Array(bytes).buffer,
  }));
  const {shape, values} = JSON.parse(fs.readFileSync(input, 'utf8'));
  const y = model.predict(tf.tensor(values, shape));
  console.log(JSON.stringify({shape: y.shape, values: Array.from(y.dataSync())}));
}

main(process.argv[2], process.argv[3]);
