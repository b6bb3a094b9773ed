// Saves a model over every layer that jtf has so far, with its predictions, as TF.js writes it.
// Usage: node record_model.js DIRECTORY    (requires @tensorflow/tfjs 4.22.0)
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs');

function build() {
  const l = tf.layers;
  return tf.sequential({
    name: 'recorded',
    layers: [
      l.inputLayer({inputShape: [4, 3], name: 'pixels'}),
      l.permute({dims: [2, 1], name: 'permute'}),
      l.flatten({name: 'flatten'}),
      l.dense({units: 6, activation: 'hardSigmoid', name: 'first', kernelInitializer: tf.initializers.randomNormal({seed: 1}),
               biasInitializer: tf.initializers.randomUniform({minval: -1, maxval: 1, seed: 2}), kernelRegularizer: 'l1l2',
               kernelConstraint: tf.constraints.maxNorm({maxValue: 3})}),
      l.prelu({name: 'prelu', alphaInitializer: tf.initializers.constant({value: 0.2})}),
      l.reshape({targetShape: [6, 1], name: 'reshape'}),
      l.dense({units: 2, useBias: false, name: 'second', kernelInitializer: tf.initializers.randomUniform({minval: 0.5, maxval: 3, seed: 3})}),
      l.leakyReLU({name: 'leaky'}),
      l.flatten({name: 'flat'}),
      l.repeatVector({n: 2, name: 'repeat'}),
      l.elu({name: 'elu'}),
      l.thresholdedReLU({theta: -10, name: 'threshold'}),
      l.reLU({maxValue: 2.5, name: 'capped'}),
      l.dropout({rate: 0.5, name: 'dropout'}),
      l.activation({activation: 'softsign', name: 'softsign'}),
      l.dense({units: 3, name: 'last', activation: 'gelu', kernelInitializer: tf.initializers.randomNormal({stddev: 1, seed: 4})}),
      l.softmax({axis: 2, name: 'softmax'}),
    ],
  });
}

async function main(directory) {
  await tf.setBackend('cpu');
  const model = build();
  const x = tf.range(0, 24).div(12).sub(1).reshape([2, 4, 3]);
  const y = model.predict(x);
  fs.mkdirSync(directory, {recursive: true});
  await model.save(tf.io.withSaveHandler(async (artifacts) => {
    fs.writeFileSync(path.join(directory, 'weights.bin'), Buffer.from(artifacts.weightData));
    fs.writeFileSync(path.join(directory, 'model.json'), JSON.stringify({
      modelTopology: artifacts.modelTopology,
      format: artifacts.format,
      generatedBy: artifacts.generatedBy,
      convertedBy: artifacts.convertedBy,
      weightsManifest: [{paths: ['./weights.bin'], weights: artifacts.weightSpecs}],
    }));
    return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: 'JSON'}};
  }));
  fs.writeFileSync(path.join(directory, 'predictions.json'), JSON.stringify({
    x: {shape: x.shape, values: Array.from(x.dataSync())},
    y: {shape: y.shape, values: Array.from(y.dataSync())},
  }));
}

main(process.argv[2]);
