"""The notebooks of `colabs/`: short, clean, and run top to bottom on a CPU without a connection."""

import base64
import io
import json
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

from jppf_jax.labels.formats import files
from jppf_jax.labels.registry import load_spec
from jppf_jax.panoptic import IGNORE

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


def value(cell: nbformat.NotebookNode) -> str:
  """Returns the last value of a cell, as text."""
  return "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def html(cell: nbformat.NotebookNode) -> str:
  return "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)


def notebook(name: str) -> Path:
  (path,) = [path for path in COLABS if path.stem == name]
  return path


def test_the_fusion_is_explained_with_a_picture_of_every_step(tmp_path):
  cells = run(notebook("joint_fusion"), tmp_path)
  install, imports, scene, network, heads, *steps, score = cells
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


def test_a_photo_is_predicted_cut_out_and_saved(tmp_path):
  install, imports, model, answer, table, hair, person, several, saved = run(
    notebook("predict"), tmp_path
  )
  assert not install.outputs and not imports.outputs
  assert "trained" in value(model) and "512 x 512" in value(answer)
  assert re.search(r"person +0\.\d+ .*person-hair_and_hat \d+", printed(table))
  for cell in (hair, person):
    (picture,) = pictures(cell)
    assert picture.shape == (512, 512, 3)
    white = (picture.min(-1) >= 230).mean()
    assert 0.3 < white < 0.99  # something is cut out
  astronaut, coffee = printed(several).splitlines()
  assert "('person', 0.9" in astronaut
  assert coffee == "[('background', None)]"  # nobody, as the text above it says
  (picture,) = pictures(several)
  assert picture.shape[1] >= 640
  assert "astronaut.png" in value(saved)
  assert (tmp_path / "work" / "predictions" / "astronaut.png").is_file()


def test_a_network_trains_goes_on_and_is_scored(tmp_path):
  cells = run(notebook("training"), tmp_path)
  _, _, config, batch, _, curves, more, sizes, table, answer = cells
  assert "'encoder': 'b0'" in value(config) or "encoder" in html(config)
  for cell in (batch, curves, answer):
    (picture,) = pictures(cell)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
  assert "40 steps" in printed(more)
  assert "semantic_head" in value(sizes) + html(sizes)
  assert "PartPQ All" in printed(table) + value(table)
  lines = (tmp_path / "work" / "run" / "metrics.jsonl").read_text().splitlines()
  losses = [json.loads(line)["loss"] for line in lines]
  assert len(losses) == 40 and np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_labels_of_labelme_become_a_dataset_and_a_network_that_answers(tmp_path):
  cells = run(notebook("own_data"), tmp_path)
  install, _, _, _, look, draft, converted, found, views, scores, answer, commands = cells
  work = tmp_path / "work"
  assert not install.outputs
  assert "12 photos. Names in them:" in printed(draft) and "robot/wheel: " in printed(draft)
  assert "is a draft" in printed(draft) and re.search(r"^  floor:", printed(draft), re.MULTILINE)
  spec = load_spec(str(work / "photos_dataset/photos.yaml"))
  assert (spec.num_stuff, set(spec.class_names)) == (2, {"floor", "wall", "robot", "cart"})
  assert set(spec.part_names[1:]) == {"arm", "body", "handle", "wheel"}
  assert printed(converted).startswith("12 photos have labels now.\n")
  assert re.search(r"part outside its object: \d+ times in \d+ images", printed(converted))
  uids = [files.read_uids(path) for path in (work / "photos_dataset/labels").iterdir()]
  assert len(uids) == 12
  for one in uids:  # each object has parts everywhere: wheels, an arm or a handle, and its body
    decoded = spec.decode(one)
    parts = np.unique(decoded.part[decoded.instance >= 0])
    assert len(parts) >= 3 and 0 < parts.min() <= parts.max() < IGNORE
  assert "one in ten is for validation" in printed(found) and "def get_config" in printed(found)
  for cell in (look, views, answer):
    (picture,) = pictures(cell)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100
  assert pictures(look)[0].shape == (480, 672, 3)
  assert "PartPQ All" in printed(scores) + value(scores)
  report = json.loads((work / "run/evaluation/validation/scores.json").read_text())
  assert 0.45 < report["joint"]["part_pq"]["all"]["part_pq"] < 1  # floor and wall alone: 0.37
  lines = (work / "run/metrics.jsonl").read_text().splitlines()
  losses = [json.loads(line)["loss"] for line in lines]
  assert len(losses) == 10 and losses[-1] < 0.5 * losses[0]
  assert "floor" in printed(answer) and "wall" in printed(answer)
  assert re.search(r"^\d+ +(cart|robot) +0\.\d+ .*wheel \d+", printed(answer), re.MULTILINE)
  typed = [line.split()[:2] for line in printed(commands).splitlines()]
  verbs = ["init", "convert", "init", "prepare", "train", "evaluate", "predict"]
  assert typed == [["jppf", verb] for verb in verbs]


def test_the_pieces_work_in_a_network_of_ones_own(tmp_path):
  cells = run(notebook("pieces"), tmp_path)
  _, _, pyramid, _, training, scores, kept, pooled = cells
  assert value(pyramid).startswith("{4: (1, 16, 32, 16)")
  losses = [
    float(loss) for loss in re.findall(r"^\d+ (\d+\.\d+)$", printed(training), re.MULTILINE)
  ]
  assert len(losses) == 3 and losses[-1] < 0.6 * losses[0]
  truth, moved = [float(x) for x in re.findall(r"all (\d+\.\d)", printed(scores))]
  assert truth == 100 and 50 < moved < 99
  assert "[ True, False,  True]" in value(kept)
  assert value(pooled).startswith("((2, 3, 7, 7, 16), (16, 32, 16)")
