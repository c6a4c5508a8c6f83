"""What the rows of the tables are made of: networks, and systems of one or more of them."""

import dataclasses
from collections.abc import Mapping

from jppf_jax.names import HEADS


@dataclasses.dataclass(frozen=True)
class Network:
  """A network that is trained as one.

  Attributes:
    heads: that it has.
    labels: the variant of the taxonomy, see `setting.Setting.labels`.
    pretrained: starts from the weights that the config names; False: from random ones.
  """

  heads: tuple[str, ...] = HEADS
  labels: str = "grouped"
  pretrained: bool = True


@dataclasses.dataclass(frozen=True)
class System:
  """What is evaluated: a network, or several together.

  Attributes:
    network: the first one, a name of `NETWORKS`.
    others: networks that give a head in its place, by head.
    multi_scale: several scales, each mirrored too.
    fill_void: the answers with void regions filled are scored as well.
  """

  network: str
  others: Mapping[str, str] = dataclasses.field(default_factory=dict)
  multi_scale: bool = False
  fill_void: bool = False

  @property
  def networks(self) -> tuple[str, ...]:
    """All of its networks."""
    return (self.network, *self.others.values())


NETWORKS = {
  "jppf": Network(),
  "jppf_random": Network(pretrained=False),
  "panoptic": Network(heads=("semantic", "instance")),
  "parts": Network(heads=("part",)),
  "semantic": Network(heads=("semantic",)),
  "instance": Network(heads=("instance",)),
  "jppf_sembg": Network(labels="sembg"),
  "jppf_nongrouped": Network(labels="nongrouped"),
  "parts_sembg": Network(heads=("part",), labels="sembg"),
  "parts_nongrouped": Network(heads=("part",), labels="nongrouped"),
}

SYSTEMS = {
  "panoptic": System("panoptic"),
  "jppf": System("jppf", fill_void=True),
  "jppf_multi": System("jppf", multi_scale=True),
  "jppf_random": System("jppf_random"),
  "baseline": System("panoptic", others={"part": "parts"}),
  "baseline_multi": System("panoptic", others={"part": "parts"}, multi_scale=True),
  "independent": System("semantic", others={"instance": "instance", "part": "parts"}),
  "parts": System("parts"),
  "jppf_sembg": System("jppf_sembg"),
  "jppf_nongrouped": System("jppf_nongrouped"),
  "parts_sembg": System("parts_sembg"),
  "parts_nongrouped": System("parts_nongrouped"),
}
