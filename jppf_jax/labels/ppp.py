"""Pascal Panoptic Parts (PPP): 59 classes (39 stuff, 20 things), 58 part channels.

15 classes are scored by parts.
"""

from functools import cache

from jppf_jax.labels.evaluation_spec import package_folder, read
from jppf_jax.labels.spec import LabelSpec


@cache
def ppp() -> LabelSpec:
  """Returns the tables of PPP.

  Boat, chair, table, sofa and train have one part channel each, because the part-parsing literature
  has 58 channels; these classes are scored as plain masks. Unlabelled pixels of bicycles and
  motorbikes are "body".
  """
  folder = package_folder() / "specs" / "eval_specs"
  path = folder / "ppq_ppp_59_57_cvpr21_default_evalspec.yaml"
  return read(path, name="ppp")
