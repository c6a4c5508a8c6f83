"""Who may import whom: the table of the house, held by a walk over the syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "jppf_jax"

# layer -> layers of ours that it may import, besides itself
LEAVES = {"structs", "panoptic", "saving", "photos", "names", "leaving", "lettering", "labels"}
LEAVES |= {"ops"}
STAGES = {"encoder", "fpn", "heads"}
MODEL = {"layers", *STAGES, "model"}
PURE = {"targets", "losses", "fusion", "visualization"}
FILES = {"metrics", "report", "input_pipeline", "checkpoints", "config_rules"}
BELOW_BUILD = LEAVES | MODEL | PURE | FILES
ALLOWED = {
  "panoptic": set(),
  "saving": set(),
  "photos": set(),
  "names": set(),
  "leaving": set(),
  "lettering": set(),
  "structs": {"panoptic"},
  "labels": {"panoptic", "saving"},
  "ops": {"structs"},
  "street_scenes": {"structs", "saving", "labels"},
  "layers": {"ops", "structs"},
  **{stage: {"layers", "ops", "structs"} for stage in STAGES},
  "model": {"layers", *STAGES, "ops", "structs", "names"},
  **{room: {"structs", "labels", "ops"} for room in PURE},
  "visualization": {"structs", "lettering", "labels", "ops"},
  "losses": {"structs", "names", "labels", "ops"},
  "metrics": {"panoptic", "labels"},
  "report": {"panoptic", "saving", "photos", "names", "labels", "metrics"},
  "conversion": {"saving", "photos", "names", "lettering", "labels"},
  "optimization": {"ops"},
  "config_rules": {"names"},
  "input_pipeline": {"structs", "saving", "photos", "names", "labels"},
  "checkpoints": {"panoptic", "saving", "names", "labels"},
  "build": BELOW_BUILD | {"optimization"},
  "evaluation": BELOW_BUILD | {"build"},
  "training": BELOW_BUILD | {"optimization", "build", "evaluation"},
  "pretrained": BELOW_BUILD | {"build", "evaluation"},
  "benchmarks": BELOW_BUILD | {"street_scenes", "build", "evaluation", "training", "pretrained"},
  "tables": BELOW_BUILD | {"build", "evaluation", "training", "benchmarks"},
  "cli": BELOW_BUILD
  | {"street_scenes", "conversion", "build", "evaluation", "training", "pretrained", "benchmarks"}
  | {"tables"},
}
DATA_ALLOWED = {"photos", "labels", "street_scenes"}  # the builders in data/
FOUND_BY_NAME = {  # files that find modules by name at run time -> what they find
  "__init__.py": "the public names, when they are used",
  "benchmarks/reference.py": "panoptic_parts, whose import needs help",
  "benchmarks/scoring.py": "hotcoco, if it is installed",
  "checkpoints/import_efficientnet.py": "the packages that hold ImageNet weights",
  "build/__init__.py": "the public names of the room, when they are used",
  "cli/benchmark.py": "benchmarks",
  "cli/completion_words.py": "cli: the flags of all verbs; the folder of data",
  "cli/configs.py": "the user's config file",
  "cli/health.py": "the libraries that are installed, and whether they can be imported",
  "cli/help_text.py": "the versions of installed packages",
  "cli/main.py": "cli",
  "input_pipeline/datasets.py": "data: the builder of a name, or of a file",
  "labels/evaluation_spec.py": "the folder of panoptic_parts",
}
HEAVY = {"torch", "tensorflow", "matplotlib"}  # never imported when our modules are
SOURCES = sorted(PACKAGE.rglob("*.py"))


def layer_of(path: Path) -> str:
  return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
  """Dotted names of the modules that a file imports."""
  tree = ast.parse(path.read_text())
  nodes = tree.body if top_level_only else ast.walk(tree)
  names = set()
  for node in nodes:
    if isinstance(node, ast.Import):
      names |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom) and node.module:
      names |= {f"{node.module}.{alias.name}" for alias in node.names}
  return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_layer_imports_only_what_stands_below_it(path):
  layer = layer_of(path)
  if layer == "__init__":  # what stands below `if TYPE_CHECKING:` is for type checkers only
    at_import = imports(path, top_level_only=True)
    assert not {name for name in at_import if name.startswith("jppf_jax")}
    return
  used = {name.split(".")[1] for name in imports(path) if name.startswith("jppf_jax.")}
  assert used - {layer} <= ALLOWED[layer], (
    f"{layer} must not import {sorted(used - {layer} - ALLOWED[layer])}"
  )


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_inside_functions_only(path):
  assert not {name.split(".")[0] for name in imports(path, top_level_only=True)} & HEAVY


def test_configs_import_only_ml_collections_and_each_other():
  for path in (ROOT / "configs").glob("*.py"):
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots <= {"ml_collections", "jppf_jax_configs"}, path


def test_builders_import_only_what_ids_mean_how_photos_are_read_and_scenes_drawn():
  for path in (ROOT / "data").rglob("*.py"):
    used = {name.split(".")[1] for name in imports(path) if name.startswith("jppf_jax.")}
    assert used <= DATA_ALLOWED, path


def test_modules_are_found_by_name_only_where_the_list_says():
  found = {
    str(path.relative_to(PACKAGE))
    for path in SOURCES
    if any(name.split(".")[0] == "importlib" for name in imports(path))
  }
  assert found == set(FOUND_BY_NAME)
  for path in (ROOT / "data").rglob("*.py"):
    assert not any(name.startswith("importlib") for name in imports(path)), path


def uses_of_configs(tree: ast.AST) -> Iterator[str]:
  """Yields each use of a parameter annotated `build.Config`, except as an argument of a call."""
  for function in ast.walk(tree):
    if not isinstance(function, ast.FunctionDef):
      continue
    parameters = [node for node in ast.walk(function.args) if isinstance(node, ast.arg)]
    annotated = {arg.arg: ast.unparse(arg.annotation) for arg in parameters if arg.annotation}
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    passed_on = {argument for call in calls for argument in call.args}
    passed_on |= {keyword.value for call in calls for keyword in call.keywords}
    for node in set(ast.walk(function)) - passed_on:
      if isinstance(node, ast.Name) and annotated.get(node.id) == "build.Config":
        yield f"line {node.lineno}: {node.id}"


@pytest.mark.parametrize("room", ["training", "evaluation"])
def test_training_and_evaluation_pass_configs_on_and_do_not_read_them(room):
  for path in (PACKAGE / room).glob("*.py"):
    roots = {name.split(".")[0] for name in imports(path)}
    assert "ml_collections" not in roots, path
    assert not list(uses_of_configs(ast.parse(path.read_text()))), path


@pytest.mark.parametrize(
  "use", ["config.seed", "config['seed']", "f(config.data)", "g(a=config.x)"]
)
def test_a_function_that_reads_a_config_would_be_noticed(use):
  source = f"def train(config: build.Config):\n  build.model(config, spec=config)\n  {use}\n"
  assert list(uses_of_configs(ast.parse(source))) == ["line 3: config"]


def test_every_source_file_has_a_test_beside_its_twin():
  tests = {path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("*_test.py")}
  wanted = {path: path.relative_to(PACKAGE).with_name(path.stem + "_test.py") for path in SOURCES}
  for path in (ROOT / "data").rglob("*.py"):
    wanted[path] = Path("data", path.stem + "_test.py")
  missing = [
    str(test)
    for path, test in sorted(wanted.items())
    if path.name != "__init__.py" and test not in tests
  ]
  assert not missing, f"no tests/{missing}"
