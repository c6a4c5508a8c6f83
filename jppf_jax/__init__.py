"""Joint panoptic part fusion (JPPF) in JAX and Flax: class, part and instance of every pixel.

One shared encoder, a semantic, a part and an instance head, and the joint fusion without parameters
of Jagadeesh, Schuster and Stricker, "Multi-task Fusion for Efficient Panoptic-Part Segmentation".

Example:
    ```python
    import jppf_jax

    model = jppf_jax.from_pretrained("clothing")  # a name, or the folder of a model or of a run
    parts = model("photo.jpg")                    # a path, an array, a picture; or a list of them
    parts.save("predictions")                     # as `jppf predict` does
    ```

`parts.semantic`, `.instance` and `.part` are maps of the photo's size, `print(parts.segments)`
lists classes, scores, boxes and areas of parts, `parts.picture()` is an array, `parts.show()` opens
it.

What a first program needs is here, and is imported at its first use:

    from_pretrained  a trained model by name or folder: a function from images to their parts
    make_scene       a generated street scene with its labels
    load_spec        the taxonomy of that name ("cpp", "ppp"), or of a YAML file
    load_predictor   config and weights to a function from an image to `PanopticParts`
    joint_fusion     the paper's fusion: logits and detections to `PanopticParts`
    FusionConfig     what the paper leaves open about the fusion
    JPPF             the network, a Flax module
    PanopticParts    class, instance and part of every pixel, as arrays

`jppf_jax.ops` and `jppf_jax.metrics` show what their modules define: `nms` and `PartPQ` are there.

What is where, from the ground up; a module imports only what stands above it:

    structs          what travels between the stages, and the letters of the array axes
    saving           files that are saved whole or not at all
    photos           the one reader of photos
    names            of heads, losses and builder files
    leaving          how a process ends that a signal stopped
    lettering        text in pictures: the font that has its letters
    labels           what label ids mean; labels.formats: the files they come in
    ops              geometry without parameters: boxes, anchors, NMS, RoIAlign, masks
    street_scenes    generated street scenes
    conversion       labels of other tools: read, written; datasets of your own
    layers, encoder, fpn, heads, model
                     the network; `model` is all of it on one screen
    fusion           the joint fusion, and top-down merging beside it
    targets, losses  what each head should answer, and how wrong it is
    metrics          PartPQ, PQ, mIoU, instance AP, density
    report           the page of an evaluation
    visualization    pictures of predictions and labels
    input_pipeline   records of a dataset to batches
    checkpoints      weights: saved, loaded, imported from PyTorch
    optimization     phases, learning rates, optimizers
    config_rules     what a config may hold
    build            a config to a model, an optimizer, a dataset
    evaluation       image to parts; dataset to scores
    training         the step, on many devices; the loop that resumes
    pretrained       models by name: loaded, called, saved
    tables           the paper's tables: what to train, what to compare
    benchmarks, cli  what `jppf benchmark` measures; the commands

`import jppf_jax` alone is light: it loads neither JAX nor Flax.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from jppf_jax.evaluation.predict import load_predictor
  from jppf_jax.fusion.config import FusionConfig
  from jppf_jax.fusion.joint import joint_fusion
  from jppf_jax.labels.registry import load_spec
  from jppf_jax.model import JPPF
  from jppf_jax.pretrained import from_pretrained
  from jppf_jax.street_scenes.scene import make_scene
  from jppf_jax.structs import PanopticParts

__version__ = "0.1.0"
__all__ = [
  "JPPF",
  "FusionConfig",
  "PanopticParts",
  "__version__",
  "from_pretrained",
  "joint_fusion",
  "load_predictor",
  "load_spec",
  "make_scene",
]

_MODULE_OF = {
  "FusionConfig": "jppf_jax.fusion.config",
  "JPPF": "jppf_jax.model",
  "PanopticParts": "jppf_jax.structs",
  "from_pretrained": "jppf_jax.pretrained",
  "joint_fusion": "jppf_jax.fusion.joint",
  "load_predictor": "jppf_jax.evaluation.predict",
  "load_spec": "jppf_jax.labels.registry",
  "make_scene": "jppf_jax.street_scenes.scene",
}


def __getattr__(name: str) -> Any:
  """Imports a public name when it is first used, so that importing the package stays light."""
  if name not in _MODULE_OF:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  value = getattr(importlib.import_module(_MODULE_OF[name]), name)
  globals()[name] = value  # the next use finds it without coming here
  return value


def __dir__() -> list[str]:
  """Lists the public names, imported or not, besides what the module has."""
  return sorted({*globals(), *__all__})
