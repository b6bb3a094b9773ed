// Lists the public names of TensorFlow.js: its exports by namespace, and the members of its classes.
//
//   npm install @tensorflow/tfjs@4.22.0
//   node list_names.js OUT.json
//
// The file holds {version, namespaces, classes, options}: sorted names by namespace ("" is tf itself), by class, and the
// keys of the options objects of a model's methods. Members that the declarations call private or protected are left out,
// and so is what is inside the namespaces of the backends (kernel implementations, WebGL, backend_util and its like).
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs');

const INSIDES = /^(default|version|ENV|Rank|Reduction|shared|kernel_impls|webgl|.*_util)$/;
const OF_ANY_FUNCTION = ['length', 'name', 'prototype'];

function sorted(names) {
  return [...new Set(names)].filter(name => !/^_|^constructor$|^default$/.test(name)).sort();
}

// The bodies of the declarations of classes or interfaces, by name.
function declared(kind) {
  const packages = path.join(path.dirname(require.resolve('@tensorflow/tfjs/package.json')), '..');
  const bodies = {};
  for (const folder of ['tfjs-core', 'tfjs-layers', 'tfjs-data'].map(name => path.join(packages, name, 'dist'))) {
    for (const file of fs.readdirSync(folder, {recursive: true}).filter(name => name.endsWith('.d.ts'))) {
      const text = fs.readFileSync(path.join(folder, file), 'utf8');
      for (const [, name, body] of text.matchAll(new RegExp(`${kind} (\\w+)[^{]*\\{\\n([\\s\\S]*?)\\n\\}`, 'g'))) bodies[name] = body;
    }
  }
  return bodies;
}

const PRIVATE = /^ +(?:private|protected) (?:(?:static|readonly|abstract|get|set) )*(\w+)/gm;
const hidden = {}, interfaces = declared('interface');
for (const [name, body] of Object.entries(declared('class'))) hidden[name] = [...body.matchAll(PRIVATE)].map(match => match[1]);

function members(object) {
  const names = Object.keys(object), left_out = [];
  for (let at = Object.getPrototypeOf(object); at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    names.push(...Object.getOwnPropertyNames(at));
    left_out.push(...(hidden[at.constructor.name] || []));
  }
  return sorted(names).filter(name => !left_out.includes(name));
}

const namespaces = {'': sorted(Object.keys(tf)), train: sorted(Object.getOwnPropertyNames(tf.train))};
namespaces.train = namespaces.train.filter(name => !OF_ANY_FUNCTION.includes(name));
for (const [name, value] of Object.entries(tf)) {
  if (value && typeof value === 'object' && !INSIDES.test(name)) {
    namespaces[name] = sorted(Object.getOwnPropertyNames(value));
  }
}

const dense = () => tf.layers.dense({units: 1, inputShape: [1]});
const input = tf.input({shape: [1]});
const compiled = model => (model.compile({optimizer: 'sgd', loss: 'meanSquaredError'}), model);
const classes = {
  Callback: members(new tf.Callback()),
  Dataset: members(tf.data.array([1])),
  History: members(new tf.History()),
  Layer: members(tf.layers.flatten()),
  LayersModel: members(compiled(tf.model({inputs: input, outputs: dense().apply(input)}))),
  Optimizer: members(tf.train.sgd(1)),
  Sequential: members(compiled(tf.sequential({layers: [dense()]}))),
  SymbolicTensor: members(input),
  Variable: members(tf.variable(tf.scalar(1))),  // with the methods of tf.Tensor
};

const OPTIONS = {
  compile: 'ModelCompileArgs',
  evaluate: 'ModelEvaluateArgs',
  evaluate_dataset: 'ModelEvaluateDatasetArgs',
  fit: 'ModelFitArgs',
  fit_dataset: 'ModelFitDatasetArgs',
  predict: 'ModelPredictArgs',
};
const options = Object.fromEntries(Object.entries(OPTIONS).map(
    ([method, name]) => [method, sorted([...interfaces[name].matchAll(/^ {4}(\w+)\??:/gm)].map(match => match[1]))]));

// A line for each list.
const lines = lists => Object.keys(lists).sort().map(name => `    ${JSON.stringify(name)}: ${JSON.stringify(lists[name])}`).join(',\n');
fs.writeFileSync(process.argv[2], `{
  "version": ${JSON.stringify(tf.version.tfjs)},
  "namespaces": {\n${lines(namespaces)}\n  },
  "classes": {\n${lines(classes)}\n  },
  "options": {\n${lines(options)}\n  }\n}\n`);
