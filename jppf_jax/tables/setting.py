"""On which dataset the tables are made: configs, variants of the taxonomy, seeds."""

import dataclasses
from collections.abc import Mapping

from jppf_jax.tables.rows import TABLES, Row
from jppf_jax.tables.systems import NETWORKS, SYSTEMS

EFFICIENTPS_SCALES = (0.75, 1.0, 1.25, 1.5, 1.75, 2.0)


@dataclasses.dataclass(frozen=True)
class Setting:
  """A dataset for the tables.

  Attributes:
    config: name of the config of JPPF; all other networks are changes of it.
    labels: variants of the taxonomy by the names of `systems.Network.labels`. Rows that need a
      variant that is not here are left out.
    paper: the dataset of the paper whose figures stand beside ours.
    scales: of multi-scale testing; each is seen mirrored, too.
    pretrained: the config starts from weights of other photos; rows that start from random weights
      instead say what these are worth. Without it they are left out.
  """

  config: str
  labels: Mapping[str, str]
  paper: str
  scales: tuple[float, ...] = EFFICIENTPS_SCALES
  pretrained: bool = False


_CPP = {"grouped": "cpp_grouped", "nongrouped": "cpp_default", "sembg": "cpp_grouped_sembg"}
SETTINGS = {
  "synthetic": Setting("tables_synthetic", _CPP, "cpp", scales=(0.75, 1.0, 1.5)),
  "clothing": Setting(
    "tables_clothing", {"grouped": ""}, "cpp", scales=(0.75, 1.0, 1.5), pretrained=True
  ),
  "cpp": Setting("cpp", _CPP, "cpp"),
  "ppp": Setting("ppp", {"grouped": "ppp"}, "ppp"),
}
QUICK = {"synthetic": Setting("tables_quick", _CPP, "cpp", scales=(1.0, 1.5))}  # a first look


def rows_of(setting: Setting, tables: tuple[int, ...]) -> list[tuple[int, Row]]:
  """Returns the rows that can be made, each with the number of its table."""
  found = [(number, row) for number in tables if number in TABLES for row in TABLES[number].rows]
  return [(number, row) for number, row in found if _is_possible(setting, row)]


def _is_possible(setting: Setting, row: Row) -> bool:
  networks = [NETWORKS[name] for name in SYSTEMS[row.system].networks]
  has_labels = {network.labels for network in networks} <= set(setting.labels)
  return has_labels and (setting.pretrained or all(network.pretrained for network in networks))
