"""Labels as the tools state them: named regions of an image, in the order in which they are drawn.

All formats that `jppf convert` reads become these; `conversion.compose` makes uids of them.
"""

from collections.abc import Callable, Hashable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool


class Region(NamedTuple):
  """A named region of an image.

  Attributes:
    name: as the file calls it.
    draw: returns its pixels, [H W]; called when they are needed, so that few are in memory.
    parent: what it is a part of, if the file says so apart from the name.
    group: regions of one class with the same group are one object, and a part with the group of an
      object belongs to that one; a number 0..999 becomes the instance id. None: an object of its
      own.
    crowd: whether it is several objects, or an unknown number of them.
    optional: whether the name may be unknown; then the region is void without further notice.
    holes: whether other regions lie in its holes, which are drawn as pixels of it.
    outside: whether some of its points lie outside the image, where it is cut.
  """

  name: str
  draw: Callable[[], Bool[np.ndarray, "H W"]]
  parent: str = ""
  group: Hashable = None
  crowd: bool = False
  optional: bool = False
  holes: bool = False
  outside: bool = False


class Labelled(NamedTuple):
  """The labels of an image.

  Attributes:
    size: height and width.
    regions: a later one lies on the earlier ones.
    note: what the file lacks, one sentence that is the same for all such files; empty if nothing.
  """

  size: tuple[int, int]
  regions: list[Region]
  note: str = ""
