import ast
from pathlib import Path

from jppf_jax.evaluation import exported_loader


def test_the_loader_needs_only_jax_and_numpy():
  tree = ast.parse(Path(exported_loader.__file__).read_text(encoding="utf-8"))
  found = set()
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      found |= {alias.name.split(".")[0] for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
      found.add((node.module or "").split(".")[0])
  assert found == {"collections", "jax", "json", "numpy", "pathlib", "typing"}
