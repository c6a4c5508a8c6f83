"""Settings of every test run, and the one trained run that several tests look at.

Compiled programs are kept in pytest's cache folder, for all workers and for the next run. XLA makes
them in the quickest way, which halves the time: LLVM does not optimize them, and the older
emitters of fusions are used where XLA still has them. Garbage is collected seldom: traced programs
are millions of objects. Property tests have no deadline (a busy machine is no failure) and always
draw the same.
"""

import gc
import os
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings

from tests import tiny

HERE = Path(__file__).parent

settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")


QUICK = "--xla_backend_optimization_level=0"
if version("jaxlib").startswith("0.10."):  # 0.12 does not know this flag, and ends the process
  QUICK += " --xla_cpu_use_fusion_emitters=false"


def pytest_configure(config):
  gc.set_threshold(100_000, 20, 100)
  os.environ["XLA_FLAGS"] = f"{QUICK} {os.environ.get('XLA_FLAGS', '')}".strip()
  if not hasattr(config, "cache"):  # `-p no:cacheprovider`
    return
  cache = {
    "jax_compilation_cache_dir": str(config.cache.mkdir("compiled")),
    "jax_persistent_cache_min_compile_time_secs": 0.5,
    "jax_persistent_cache_min_entry_size_bytes": -1,
  }
  os.environ.update(
    {name.upper(): str(value) for name, value in cache.items()}
  )  # child processes inherit it
  for name, value in cache.items() if "jax" in sys.modules else ():  # too late for the environment
    sys.modules["jax"].config.update(name, value)


# The longest files, longest first: they start first, so that none is left alone at the end.
# The first one trains `tiny_run`, the second does not wait for it.
LONGEST = (
  "training/loop_test.py",
  "training/step_test.py",
  "fusion/joint_test.py",
  "seams/step_and_heads_test.py",
  "docs_pieces_test.py",
  "cli/demo_test.py",
  "colabs_test.py",
  "checkpoints/import_efficientps_parity_test.py",
  "evaluation/compare_test.py",
  "model_test.py",
  "seams/padding_test.py",
  "evaluation/predict_test.py",
  "evaluation/program_test.py",
  "street_scenes/scene_test.py",
)


def pytest_collection_modifyitems(items):
  places = {str(HERE / name): place for place, name in enumerate(LONGEST)}
  items.sort(key=lambda item: places.get(str(item.path), len(places)))  # stable


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory) -> tiny.Run:
  """The smoke config trained to its end, once for all workers. Nobody changes it: see
  `tiny.Run.copy`.
  """
  root = tmp_path_factory.getbasetemp()
  return tiny.trained(root.parent if "PYTEST_XDIST_WORKER" in os.environ else root)
