// Opens models in TF.js, predicts with them, trains them if asked to, and saves them again.
// Usage: node open_models.js DIRECTORY    (requires @tensorflow/tfjs 4.22.0)
// DIRECTORY has a folder for each case: model.json with its weights beside it, and case.json:
//   {inputs: [{shape, dtype, values}], train: null or {targets: [{shape, values}], steps}}
// Each folder gets result.json, {outputs} or {error}, and the model as TF.js saves it in resaved/.
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs');

const one = (list) => list.length === 1 ? list[0] : list;
const tensors = (described) => described.map((t) => tf.tensor(t.values, t.shape, t.dtype));

function artifacts(directory) {
  const document = JSON.parse(fs.readFileSync(path.join(directory, 'model.json'), 'utf8'));
  const specs = [], shards = [];
  for (const group of document.weightsManifest || []) {
    specs.push(...group.weights);
    shards.push(...group.paths.map((name) => fs.readFileSync(path.join(directory, name))));
  }
  const {weightsManifest, ...rest} = document;
  return {...rest, weightSpecs: specs, weightData: new Uint8Array(Buffer.concat(shards)).buffer};
}

async function save(model, directory, includeOptimizer) {
  fs.mkdirSync(directory, {recursive: true});
  await model.save(tf.io.withSaveHandler(async ({weightData, weightSpecs, ...rest}) => {
    fs.writeFileSync(path.join(directory, 'weights.bin'), Buffer.from(weightData));
    const weightsManifest = [{paths: ['weights.bin'], weights: weightSpecs}];
    fs.writeFileSync(path.join(directory, 'model.json'), JSON.stringify({...rest, weightsManifest}));
    return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: 'JSON'}};
  }), {includeOptimizer});
}

async function run(directory) {
  const {inputs, train} = JSON.parse(fs.readFileSync(path.join(directory, 'case.json'), 'utf8'));
  const model = await tf.loadLayersModel(tf.io.fromMemory(artifacts(directory)));
  const xs = tensors(inputs);
  if (train) {
    const ys = tensors(train.targets);
    for (let step = 0; step < train.steps; step++) await model.trainOnBatch(one(xs), one(ys));
  }
  const outputs = [].concat(model.predict(one(xs), {batchSize: xs[0].shape[0]}));
  await save(model, path.join(directory, 'resaved'), Boolean(train));
  return {outputs: outputs.map((y) => ({shape: y.shape, values: Array.from(y.dataSync(), (v) => Number.isFinite(v) ? v : String(v))}))};
}

async function main(directory) {
  await tf.setBackend('cpu');
  for (const name of fs.readdirSync(directory)) {
    const folder = path.join(directory, name);
    if (!fs.existsSync(path.join(folder, 'case.json'))) continue;
    let result;
    tf.engine().startScope();
    try {
      result = await run(folder);
    } catch (error) {
      result = {error: String(error.message || error)};
    }
    tf.engine().endScope();
    fs.writeFileSync(path.join(folder, 'result.json'), JSON.stringify(result));
  }
}

main(process.argv[2]);
