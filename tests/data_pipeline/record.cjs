// Records what TF.js 4.22 does, for test_recorded.py:  node record.cjs > recorded.json
// Needs @tensorflow/tfjs to be found by node (NODE_PATH).
const fs = require("fs");
const os = require("os");
const path = require("path");
const tf = require("@tensorflow/tfjs");

const size = (ds) => (ds.size === Infinity ? "inf" : ds.size == null ? null : ds.size);
const plain = (x) => {
  if (x instanceof tf.Tensor) return {dtype: x.dtype, shape: x.shape, values: x.arraySync()};
  if (Array.isArray(x)) return x.map(plain);
  if (x !== null && typeof x === "object") {
    return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, plain(v)]));
  }
  return x === undefined ? "undefined" : x;
};
const all = async (ds, most = 30) => {
  const out = [];
  const it = await ds.iterator();
  for (let i = 0; i < most; i++) {
    const {value, done} = await it.next();
    if (done) break;
    out.push(plain(value));
  }
  return out;
};
const known = (n) => tf.data.array([...Array(n).keys()]);
const unknown = (n) =>
  tf.data.generator(function* () {
    for (let i = 0; i < n; i++) yield i;
  });

// The same expressions, with other names, are in test_recorded.py.
const pipelines = {
  batch_keeps_small: () => known(7).batch(3),
  batch_drops_small: () => known(7).batch(3, false),
  batch_exact: () => known(6).batch(3, false),
  batch_unknown: () => unknown(7).batch(3),
  batch_endless: () => known(2).repeat().batch(3),
  batch_xs_ys: () => tf.data.array([{xs: [1, 2], ys: 0}, {xs: [3, 4], ys: 1}, {xs: [5, 6], ys: 0}]).batch(2),
  batch_booleans: () => tf.data.array([true, false, true]).batch(2),
  batch_mixed_numbers: () => tf.data.array([1, 2.5, 3]).batch(2),
  batch_float_then_boolean: () => tf.data.array([2.5, true, 3]).batch(3),
  batch_strings: () => tf.data.array(["a", "bcd"]).batch(2),
  take_some: () => known(5).take(3),
  take_more: () => known(5).take(9),
  take_none: () => known(5).take(0),
  take_negative: () => known(5).take(-1),
  take_unknown: () => unknown(5).take(3),
  take_endless: () => known(2).repeat().take(5),
  skip_some: () => known(5).skip(2),
  skip_all: () => known(5).skip(9),
  skip_none: () => known(5).skip(0),
  skip_unknown: () => unknown(5).skip(2),
  skip_endless: () => known(3).repeat().skip(2),
  repeat_twice: () => known(3).repeat(2),
  repeat_none: () => known(3).repeat(0),
  repeat_negative: () => known(3).repeat(-1),
  repeat_endless: () => known(3).repeat(),
  repeat_unknown: () => unknown(3).repeat(2),
  repeat_unknown_endless: () => unknown(3).repeat(),
  repeat_endless_twice: () => known(3).repeat().repeat(2),
  concatenate_known: () => known(2).concatenate(known(3)),
  concatenate_unknown: () => known(2).concatenate(unknown(3)),
  concatenate_endless: () => known(2).concatenate(known(2).repeat()),
  concatenate_endless_unknown: () => known(2).repeat().concatenate(unknown(2)),
  filter_known: () => known(6).filter((x) => x % 2 === 0),
  filter_endless: () => known(3).repeat().filter((x) => x > 0),
  map_known: () => known(4).map((x) => x * x),
  map_unknown: () => unknown(4).map((x) => x + 1),
  prefetch_known: () => known(5).prefetch(2),
  zip_list: () => tf.data.zip([known(3), known(5)]),
  zip_dict: () => tf.data.zip({xs: known(4), ys: known(2)}),
  zip_endless: () => tf.data.zip({xs: known(4), ys: known(2).repeat()}),
  zip_batched: () => tf.data.zip({xs: known(5), ys: known(5).map((x) => 2 * x)}).batch(2),
  shuffle_size: () => known(1).shuffle(3),
};

const csvs = {
  numbers: ["a,b\n1,2.5\n-3,4e2\n", {}],
  strings: ["a,b\nx,1\ny z,2\n", {}],
  number_like: ["a\n0x1F\nInfinity\n-Infinity\n+5\n.5\n5.\n1_000\ninf\nnan\nNaN\n1e3\n 7 \n", {}],
  quotes: ['a,b\n"1","x,y"\n"q ""r"" s",2\n', {}],
  crlf: ["a,b\r\n1,2\r\n3,4\r\n", {}],
  no_end_of_line: ["a,b\n1,2\n3,4", {}],
  int_floors: ["a\n1.7\n-1.2\n3\n", {columnConfigs: {a: {dtype: "int32"}}}],
  bools: ["a\ntrue\nTRUE\n1\n0\nfalse\nyes\n2\n", {columnConfigs: {a: {dtype: "bool"}}}],
  defaults: ["a,b\n,1\n2,\n", {columnConfigs: {a: {default: 9}, b: {default: 8, dtype: "int32"}}}],
  labels: ["a,b,c\n1,2,3\n4,5,6\n", {columnConfigs: {c: {isLabel: true}}}],
  two_labels: ["a,b,c\n1,2,3\n", {columnConfigs: {a: {isLabel: true}, c: {isLabel: true}}}],
  configured_only: ["a,b,c\n1,2,3\n", {columnConfigs: {b: {}, c: {isLabel: true}}, configuredColumnsOnly: true}],
  renamed: ["a,b\n1,2\n", {columnNames: ["x", "y"]}],
  no_header: ["1,2\n3,4\n", {hasHeader: false, columnNames: ["x", "y"]}],
  semicolon: ["a;b\n1;2,5\n", {delimiter: ";"}],
  tabs: ["a\tb\n1\t2\n", {delimiter: "\t"}],
  whitespace: ["a b  c\n 1   2 3\n4 5    6\n", {delimWhitespace: true}],
  empty_fields: ["a,b\n,1\n2,\n", {}],
};

(async () => {
  const recorded = {pipelines: {}, csv: {}};
  for (const [name, make] of Object.entries(pipelines)) {
    recorded.pipelines[name] = {size: size(make()), elements: await all(make(), 8)};
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "csv"));
  for (const [name, [text, config]] of Object.entries(csvs)) {
    const file = path.join(folder, "data.csv");
    fs.writeFileSync(file, text);
    const ds = tf.data.csv("file://" + file, config);
    const elements = JSON.parse(JSON.stringify(await all(ds), (_, v) => (Math.abs(v) === Infinity ? String(v) : v)));
    recorded.csv[name] = {text, config, columns: await ds.columnNames(), elements};
  }
  fs.rmSync(folder, {recursive: true});
  const lines = (cases) =>
    Object.entries(cases).map(([k, v]) => `  ${JSON.stringify(k)}: ${JSON.stringify(v)}`).join(",\n");
  console.log(`{"pipelines": {\n${lines(recorded.pipelines)}\n},\n"csv": {\n${lines(recorded.csv)}\n}}`);
})();
