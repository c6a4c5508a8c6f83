"""How dense the code is and how much of it is documented: counted over the syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("jppf_jax/**/*.py"), *ROOT.glob("data/**/*.py")])
HAND_WRITTEN = [path for path in SOURCES if "street_scenes" not in path.parts]

OPERATIONS = (
  ast.Call,
  ast.BinOp,
  ast.BoolOp,
  ast.UnaryOp,
  ast.Compare,
  ast.Subscript,
  ast.IfExp,
  ast.Lambda,
  ast.ListComp,
  ast.SetComp,
  ast.DictComp,
  ast.GeneratorExp,
)
STATEMENTS = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def values(path: Path) -> Iterator[ast.expr]:
  """Yields what each simple statement computes; docstrings and bare declarations have nothing."""
  for node in ast.walk(ast.parse(path.read_text())):
    value = node.value if isinstance(node, STATEMENTS) else None
    is_docstring = isinstance(node, ast.Expr) and isinstance(value, ast.Constant)
    if value is not None and not is_docstring:
      yield value


def density(paths: list[Path]) -> float:
  """Returns operations per statement."""
  statements = [value for path in paths for value in values(path)]
  operations = sum(isinstance(node, OPERATIONS) for value in statements for node in ast.walk(value))
  return operations / max(len(statements), 1)


def public(node: ast.AST, *, nested: bool = False) -> Iterator[tuple[bool, bool]]:
  """Yields, for each public class and function, whether a function holds it and whether it is
  documented.
  """
  for child in ast.iter_child_nodes(node):
    if not isinstance(child, (ast.ClassDef, *Function.__args__)):
      yield from public(child, nested=nested)
    elif not child.name.startswith("_") or child.name == "__call__":
      yield nested, ast.get_docstring(child) is not None
      yield from public(child, nested=nested or isinstance(child, Function.__args__))


def test_a_statement_holds_about_two_operations():
  assert density(HAND_WRITTEN) <= 1.9
  assert density([path for path in SOURCES if path not in HAND_WRITTEN]) <= 2.1


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_dense(path):
  is_table = len(list(values(path))) < 10  # a few statements that hold many numbers
  assert is_table or density([path]) <= 3


def test_what_is_public_is_documented():
  counted = [found for path in SOURCES for found in public(ast.parse(path.read_text()))]
  outside = [documented for nested, documented in counted if not nested]
  assert len(outside) > 500
  assert sum(outside) / len(outside) > 0.98
  assert sum(documented for _, documented in counted) / len(counted) > 0.9


def test_an_undocumented_or_dense_file_would_be_noticed(tmp_path):
  path = tmp_path / "dense.py"
  path.write_text("def f(x):\n  return g(x[0] + 1) * (h(x[1]) - 2)\n")
  assert density([path]) == 7
  assert list(public(ast.parse(path.read_text()))) == [(False, False)]
