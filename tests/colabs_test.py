"""The notebooks of `colabs/`: short, clean, and run top to bottom on a CPU without a connection."""

import base64
import io
import os
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from ipykernel.kernelspec import write_kernel_spec
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from PIL import Image

COLABS = sorted((Path(__file__).parents[1] / "colabs").glob("*.ipynb"))
OFFLINE = """
import socket

connect = socket.socket.connect

def connect_locally(self, address):
  if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
    raise OSError(f"The notebook wants to connect to {address}.")
  return connect(self, address)

socket.socket.connect = connect_locally
"""


@pytest.mark.parametrize("path", COLABS, ids=lambda p: p.stem)
def test_a_notebook_is_a_dozen_short_cells_each_under_a_sentence(path):
  cells = nbformat.read(path, as_version=4).cells
  assert [cell.cell_type for cell in cells] == ["markdown", "code"] * (len(cells) // 2)
  assert 5 <= len(cells) // 2 <= 12
  for text, code in zip(cells[::2], cells[1::2]):
    assert re.search(r"\w[.:]", text.source), text.source
    lines = [line for line in code.source.splitlines() if line]
    assert len(lines) <= 16 and max(map(len, lines)) <= 120, code.source
    definition = re.search(r"^ *(def|class) ", code.source, re.MULTILINE)
    assert definition is None, "functions belong in the library"


@pytest.mark.parametrize("path", COLABS, ids=lambda p: p.stem)
def test_a_notebook_is_kept_without_outputs(path):
  notebook = nbformat.read(path, as_version=4)
  nbformat.validate(notebook)
  for cell in code_cells(notebook):
    assert not cell.outputs and cell.execution_count is None


def run(path: Path, folder: Path) -> list[nbformat.NotebookNode]:
  """Runs a notebook with this interpreter in an empty folder, on the CPU and offline.

  Returns:
    Its code cells, with outputs.
  """
  write_kernel_spec(folder / "kernels" / "python3")
  (folder / "site").mkdir()
  (folder / "site" / "sitecustomize.py").write_text(OFFLINE)
  paths = [str(folder / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
  settings = dict(
    JAX_PLATFORMS="cpu",
    PYTHONPATH=os.pathsep.join(paths),
    PIP_NO_INDEX="1",
    IPYTHONDIR=str(folder),
    JUPYTER_RUNTIME_DIR=str(folder),
  )
  notebook = nbformat.read(path, as_version=4)
  kernels = KernelSpecManager(kernel_dirs=[str(folder / "kernels")], ensure_native_kernel=False)
  manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=kernels)
  (folder / "work").mkdir()
  client = NotebookClient(
    notebook, km=manager, timeout=600, resources={"metadata": {"path": str(folder / "work")}}
  )
  client.execute(env=os.environ | settings)  # an error in a cell is raised here
  return code_cells(notebook)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
  return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures(cell: nbformat.NotebookNode) -> list[np.ndarray]:
  pngs = [output.get("data", {}).get("image/png") for output in cell.outputs]
  files = [io.BytesIO(base64.b64decode(png)) for png in pngs if png]
  return [np.asarray(Image.open(file)) for file in files]


def printed(cell: nbformat.NotebookNode) -> str:
  streams = [output for output in cell.outputs if output.output_type == "stream"]
  return "".join(stream.text for stream in streams if stream.name == "stdout")


def test_the_fusion_is_explained_with_a_picture_of_every_step(tmp_path):
  (path,) = [path for path in COLABS if path.stem == "joint_fusion"]
  install, imports, scene, network, heads, *steps, score = run(path, tmp_path)
  assert not install.outputs and not imports.outputs
  detections = re.findall(r"^ *\d+  (0\.\d\d|1\.00)  [a-z]+$", printed(network), re.MULTILINE)
  assert len(detections) >= 3 and detections == sorted(detections, reverse=True)
  assert len(steps) == 6  # terms, fused logits, stuff, winner, baseline, the whole answer
  for cell in (scene, heads, *steps):
    (picture,) = pictures(cell)
    colors = np.unique(picture.reshape(-1, 3), axis=0)
    assert picture.shape[1] >= 640 and len(colors) > 20
  scores = re.findall(r"all (\d+\.\d)", printed(score))
  assert len(scores) == 2 and 0 < float(scores[0]) < 100
