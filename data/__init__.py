"""TFDS builders: raw files on disk to ArrayRecord, raw ids only. Installed as `jppf_jax_data`.

What an id means is decided when a batch is made (`jppf_jax.labels`), so a data set is built once
for all label variants. Nothing here needs TensorFlow; `tfds build` works too where TensorFlow and
apache-beam are installed.
"""
