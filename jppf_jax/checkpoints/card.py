"""The card of a model: README.md, with the metadata that the model hub reads in its first lines."""

import dataclasses
from collections.abc import Iterable

from jppf_jax.labels.spec import LabelSpec


@dataclasses.dataclass(frozen=True)
class Card:
  """What a card says.

  Attributes:
    name: of the model.
    license: of the weights, as the hub names it: "apache-2.0", "other".
    spec: the taxonomy.
    encoder: such as "b0".
    parameters: their number.
    size: height and width that images are scaled into.
    has_parts: whether the network has a part head.
    origin: what the weights come from, such as "trained 40 steps on clothing_co_parsing".
  """

  name: str
  license: str
  spec: LabelSpec
  encoder: str
  parameters: int
  size: tuple[int, int]
  has_parts: bool
  origin: str

  def __str__(self) -> str:
    spec = self.spec
    things, stuff = spec.class_names[spec.num_stuff :], spec.class_names[: spec.num_stuff]
    height, width = self.size
    what = "Panoptic segmentation with the library `jppf_jax`: class and instance of every pixel."
    parts = "none: there is no part head"
    if self.has_parts:
      what = (
        "Part-aware panoptic segmentation with the library `jppf_jax`: class, part and instance of "
        "every\npixel, by joint fusion."
      )
      parts = _listed(spec.part_names[1:])
    return f"""---
license: {self.license}
library_name: jppf_jax
pipeline_tag: image-segmentation
tags:
- jax
- flax
- panoptic-segmentation
- part-segmentation
---

# {self.name}

{what}

```python
import jppf_jax

model = jppf_jax.from_pretrained("PATH_OF_THIS_FOLDER")
parts = model("photo.jpg")
parts.save("predictions")
```

| | |
|---|---|
| weights | {self.origin} |
| network | EfficientNet {self.encoder}, {self.parameters / 1e6:.2f} M parameters |
| images | any size; scaled into {height} x {width}, or turned {width} x {height} |
| things | {_listed(things)} |
| stuff | {_listed(stuff)} |
| parts | {parts} |
"""


def _listed(names: Iterable[str]) -> str:
  return ", ".join(names) or "none"
