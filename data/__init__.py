"""TFDS builders: from raw files to ArrayRecord, with raw ids only. Installed as `jppf_jax_data`.

What an id means is decided when a batch is made (`jppf_jax.labels`), so one build of a dataset
serves all label variants. Nothing here needs TensorFlow; `tfds build` also works if TensorFlow and
apache-beam are installed.
"""
