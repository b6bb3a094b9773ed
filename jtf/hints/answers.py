"""Answers that many names share."""

INSIDE = "it belongs to the insides of TF.js; nothing corresponds to it here."
KERAS_INSIDE = "it belongs to the insides of Keras; nothing corresponds to it here."
KERNEL = "it names a kernel of TF.js's backends; operations are functions of jax.numpy here, such as jnp.matmul."
BROWSER = "it belongs to the browser."
MEMORY = "JAX frees arrays by itself, so nothing has to be tidied up."
DEVICE = "JAX chooses the device: see jax.devices(), and set JAX_PLATFORMS=cpu in the environment for another one."
SETTINGS = "settings are JAX's: jax.config, or environment variables such as JAX_PLATFORMS=cpu."
GRAPH_MODEL = "graph models are not supported; jtf.load_layers_model opens models of layers."
RAGGED = "there are no ragged arrays; pad the rows (jnp.pad) and keep their lengths."
CLASSES = (
    "classes are known by name after jtf.register_class(YourLayer); objects describe themselves with get_config()."
)
OWN_LAYER = "TF.js has no such layer; derive one from jtf.layers.Layer and define call(self, x)."
OWN_METRIC = "give compile(metrics=[f]) a function of (y_true, y_pred), which jax compiles."
OWN_LOSS = "give compile(loss=f) a function of (y_true, y_pred); optax.losses has many to call in it."
OWN_CALLBACK = (
    "give fit(callbacks={'on_epoch_end': f}) a function of (epoch, logs), or derive from jtf.callbacks.Callback."
)
PREPARE = "prepare the data before: jtf.data has datasets with map(f), and fit takes numpy arrays."
PRECISION = "layers take dtype=; there is no policy for all of them."
STEP = "write a step of your own with jtf.value_and_grad, optimizer.minimize(f) or init, apply = model.functional()."
SHARDING = "arrays on several devices are the matter of jax.sharding."
NO_MODELS = "there are no trained models to download; jtf.load_layers_model opens the files of TF.js and Keras."
NO_DATA = "jtf.datasets.mnist is the data set that comes with jtf; fit takes numpy arrays from anywhere."
FILES = "model.save(path) writes a directory, a .zip or a .safetensors file, and jtf.load_layers_model(path) opens it."
DIRECTORIES = "models are files: shutil.copytree, shutil.move, shutil.rmtree and os.listdir handle them."

MAX_POOL, AVG_POOL = "jtf.functional.max_pool(x, window)", "jtf.functional.avg_pool(x, window)"
