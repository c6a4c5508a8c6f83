"""The rows and columns of the paper's Table 5: where the time of each compared system goes.

Baseline* is two networks, one panoptic without a part head, one for parts alone with an encoder and
a pyramid of its own; EfficientPS's fusion and the top-down merge follow. The same fusions follow
our network in the second system, the joint fusion in JPPF.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypedDict

import numpy as np
from rich.table import Column, Table

from jppf_jax.benchmarks.fusion import Heads
from jppf_jax.benchmarks.network_stages import WHOLE
from jppf_jax.benchmarks.programs import Compiled, compiled
from jppf_jax.evaluation.predict import Predictor
from jppf_jax.fusion.config import FusionConfig
from jppf_jax.fusion.efficientps import efficientps_fusion
from jppf_jax.fusion.joint import joint_fusion
from jppf_jax.fusion.top_down import part_map, top_down_merge
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.model import JPPF
from jppf_jax.structs import Array, Outputs, PanopticParts

PANOPTIC_NETWORK, PART_NETWORK = "panoptic network", "part network"
FUSION, MERGE, JOINT = "panoptic fusion", "merge", "joint fusion"
PREDICTIONS, TOTAL = "predictions", "total"
ONE_PROGRAM = "one program"  # what `jppf predict` runs
COLUMNS = (PREDICTIONS, FUSION, MERGE, JOINT, TOTAL)
REFERENCE = "JPPF"  # shares are those of its total


class System(NamedTuple):
  """A row of the table.

  Attributes:
    networks: what makes the individual predictions.
    fusions: what follows.
    paper: milliseconds that Table 5 gives for the columns.
  """

  networks: tuple[str, ...]
  fusions: tuple[str, ...]
  paper: dict[str, float]


SYSTEMS = {
  "Baseline*": System(
    (PANOPTIC_NETWORK, PART_NETWORK),
    (FUSION, MERGE),
    {PREDICTIONS: 269, FUSION: 118, MERGE: 484, TOTAL: 871},
  ),
  "JPPF, merged": System(
    (WHOLE,), (FUSION, MERGE), {PREDICTIONS: 215, FUSION: 118, MERGE: 484, TOTAL: 817}
  ),
  REFERENCE: System((WHOLE,), (JOINT,), {PREDICTIONS: 236, JOINT: 161, TOTAL: 397}),
}


class Cost(TypedDict):
  """Of one system.

  `seconds`: by column, without those that the system does not have. `shares` and `paper_shares`:
  the same divided by the total of JPPF, here and in the paper. `temporary_mb`: the most that one of
  its programs needs beside inputs and outputs.
  """

  system: str
  seconds: dict[str, float]
  shares: dict[str, float]
  paper_shares: dict[str, float]
  temporary_mb: float


def compile_programs(
  net: JPPF, variables: Any, image: Array, heads: Heads, spec: LabelSpec
) -> dict[str, Compiled]:
  """Returns the programs of the systems by name, without `WHOLE`, which is a stage of the network.

  The fusions read random heads, because a network with random weights detects nothing sensible.
  `ONE_PROGRAM` is network and joint fusion as `jppf predict` runs them, with all its detections.

  Args:
    net: the network.
    variables: its parameters and running statistics.
    image: a batch of one.
    heads: what the fusions read; their size is that of the image.
    spec: the taxonomy.
  """
  height, width = image.shape[1:3]
  frame: dict[str, Any] = {"spec": spec, "size": (height, width)}
  semantic, part, found = heads
  panoptic = compiled(partial(efficientps_fusion, **frame), semantic, found)
  panoptic_net = net.clone(part_head=None)
  predictor = Predictor(
    net, variables, spec, size=(height, width), config=FusionConfig(score_threshold=0.0)
  )
  covered = np.array([[height, width]], np.int32)
  return {
    PANOPTIC_NETWORK: compiled(_network(panoptic_net), variables, image),
    PART_NETWORK: compiled(_part_network(net), variables, image),
    FUSION: panoptic,
    MERGE: compiled(partial(merge, **frame), part, panoptic()),
    JOINT: compiled(partial(joint_fusion, **frame), *heads),
    ONE_PROGRAM: compiled(predictor.compute, variables, image, covered),
  }


def _network(net: JPPF) -> Callable[..., Outputs]:
  """Returns the network in inference as a function of its variables and images."""

  def predict(variables: Any, image: Array) -> Outputs:
    return net.apply(variables, image, train=False)  # type: ignore[return-value]

  return predict


def _part_network(net: JPPF) -> Callable[..., Array]:
  """Returns encoder, pyramid and part head as a network of their own, in the same way."""

  def parts(bound: JPPF, image: Array) -> Array:
    assert bound.part_head is not None
    features = bound.encoder(bound.normalise(image), train=False)
    return bound.part_head(bound.fpn(features, train=False), train=False)

  def predict(variables: Any, image: Array) -> Array:
    return net.apply(variables, image, method=parts)  # type: ignore[return-value]

  return predict


def merge(part: Array, panoptic: PanopticParts, **frame: Any) -> PanopticParts:
  """Returns the panoptic prediction with the parts of the part head.

  Args:
    part: raw logits, stride 4.
    panoptic: of the same image.
    frame: `spec` and `size`.
  """
  return top_down_merge(panoptic, part_map(part, **frame), spec=frame["spec"])


def costs(seconds: Mapping[str, float], temporary_mb: Mapping[str, float]) -> list[Cost]:
  """Returns what each system costs.

  Args:
    seconds: of each program, `WHOLE` too.
    temporary_mb: of each program.
  """
  own = {name: _by_column(system, seconds) for name, system in SYSTEMS.items()}
  unit, paper_unit = own[REFERENCE][TOTAL], SYSTEMS[REFERENCE].paper[TOTAL]
  return [
    {
      "system": name,
      "seconds": own[name],
      "shares": {column: value / unit for column, value in own[name].items()},
      "paper_shares": {column: value / paper_unit for column, value in system.paper.items()},
      "temporary_mb": max(temporary_mb[part] for part in (*system.networks, *system.fusions)),
    }
    for name, system in SYSTEMS.items()
  ]


def _by_column(system: System, seconds: Mapping[str, float]) -> dict[str, float]:
  predictions = sum(seconds[name] for name in system.networks)
  found = {PREDICTIONS: predictions} | {name: seconds[name] for name in system.fusions}
  return found | {TOTAL: sum(found.values())}


def tables(rows: list[Cost], one_program: float) -> list[Table]:
  """Returns two tables: seconds, and shares of JPPF's total beside those of the paper.

  Args:
    rows: of all systems.
    one_program: seconds of `ONE_PROGRAM`.
  """
  absolute = _table("Table 5, seconds", *COLUMNS, "temp. MB")
  for row in rows:
    cells = [_cell(row["seconds"].get(column), 3) for column in COLUMNS]
    absolute.add_row(row["system"], *cells, f"{row['temporary_mb']:.0f}")
  blanks = [""] * (len(COLUMNS) - 1)
  absolute.add_row(ONE_PROGRAM, *blanks, _cell(one_program, 3))
  relative = _table("Table 5, JPPF's total = 1", "", *COLUMNS)
  for row in rows:
    for whose, shares in (("here", row["shares"]), ("paper", row["paper_shares"])):
      cells = [_cell(shares.get(column), 2) for column in COLUMNS]
      relative.add_row(row["system"] if whose == "here" else "", whose, *cells)
  return [absolute, relative]


def _table(title: str, *headings: str) -> Table:
  """A table whose names and whose predictions are not cut in a narrow terminal."""
  table = Table(Column("system", no_wrap=True), title=title)
  for heading in headings:
    table.add_column(heading, no_wrap=heading == PREDICTIONS)
  return table


def bars_of(rows: list[Cost]) -> dict[str, dict[str, float]]:
  """Returns the bars of a picture: of each system, here and in the paper, JPPF's total = 1."""
  bars = {}
  for row in rows:
    for whose, shares in (("here", row["shares"]), ("paper", row["paper_shares"])):
      parts = {column: share for column, share in shares.items() if column != TOTAL}
      bars[f"{row['system']}, {whose}"] = parts
  return bars


def _cell(value: float | None, digits: int) -> str:
  return "" if value is None else f"{value:.{digits}f}"
