"""Pascal Panoptic Parts: 59 classes (39 stuff, 20 things), 15 of them scored by parts, 58 part
channels.
"""

from functools import cache

from jppf_jax.labels.evaluation_spec import package_folder, read
from jppf_jax.labels.spec import LabelSpec


@cache
def ppp() -> LabelSpec:
  """Returns the tables of PPP.

  Boat, chair, table, sofa and train have one part channel each, to match the 58 channels of the
  part-parsing literature, and are scored as plain masks. Unlabelled pixels of bicycles and
  motorbikes are "body".
  """
  path = package_folder() / "specs" / "eval_specs" / "ppq_ppp_59_57_cvpr21_default_evalspec.yaml"
  return read(path, name="ppp")
