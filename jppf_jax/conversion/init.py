"""Makes a dataset of a folder: looks at it, and writes taxonomy, builder and config."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from jppf_jax.conversion import draft, hints, look, nesting, report, run_files, sources
from jppf_jax.labels import own_spec, sides, spec_names
from jppf_jax.labels.other_names import UNLABELLED, Names, Targets
from jppf_jax.labels.quote import counted, first_of, listed, quoted
from jppf_jax.labels.registry import SPECS, load_spec
from jppf_jax.labels.spec import LabelSpec
from jppf_jax.names import BUILDER, OWN_CONFIG
from jppf_jax.saving import write_text

_MANY = 0.2  # share of pixels; of more that nobody knows, the user is told
_NOTHING = Names(Targets({}, {}, frozenset(), {}))


class Result(NamedTuple):
  """What was found and written.

  Attributes:
    lines: what was found, for the user.
    written: files.
    commands: what to type next, as words.
  """

  lines: list[str]
  written: list[Path]
  commands: list[list[str]]


def init(folder: str | Path, *, spec: str = "", photos: str | Path | None = None) -> Result:
  """Looks at a folder of photos and labels, and writes what a run needs into it.

  If the labels are those of a tool, only a taxonomy is drafted from their names (unless `spec` is
  given), for `jppf convert`. Files that are there are never replaced.

  Args:
    folder: of photos and labels.
    spec: name or YAML of the taxonomy; empty: a YAML in the folder, or a draft of one.
    photos: the folder of the photos, if the labels are those of a tool and lie elsewhere.

  Raises:
    FileNotFoundError: there is no such folder, or nothing to use in it.
    FileExistsError: a file that would be written is there already.
    ValueError: labels cannot be used; lists all of them.
  """
  folder = Path(folder)
  if not folder.is_dir():
    raise FileNotFoundError(f"There is no folder {folder}.")
  spec = spec or _own_yaml(folder)
  if spec:
    load_spec(spec)
  tool = look.tool_of(folder)
  if tool:
    return _of_tool(tool, folder, spec, Path(photos) if photos else None)
  return _of_uids(folder, spec)


def dataset_name(folder: Path) -> str:
  """Returns a name for the dataset in a folder: small letters, digits and underscores."""
  plain = unicodedata.normalize("NFKD", folder.resolve().name).encode("ascii", "ignore").decode()
  name = re.sub(r"\W+", "_", plain.lower()).strip("_").removesuffix("_dataset")
  return name if name[:1].isalpha() else f"dataset_{name}".rstrip("_")


def _own_yaml(folder: Path) -> str:
  """Returns the one taxonomy in a folder; "" if there is none.

  Raises:
    ValueError: there are several.
  """
  found = []
  for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
    try:
      if own_spec.recognises(path):
        found.append(path)
    except ValueError:
      continue
  if len(found) > 1:
    names = ", ".join(path.name for path in found)
    raise ValueError(f"{folder} has several taxonomies, {names}; choose one with --spec=FILE.")
  return str(found[0]) if found else ""


def _of_tool(tool: str, folder: Path, spec: str, photos: Path | None) -> Result:
  """Counts the names in the files of a tool, and drafts a taxonomy of them."""
  names = spec_names.load(spec) if spec else _NOTHING
  found = sources.find(tool, folder, names, photos)
  counts: Counter[tuple[str, str]] = Counter()
  failures, objects = [], set()
  bare: list[str] = []
  outside: Counter[str] = Counter()
  nested = nesting.Nesting(hints.plain_label)
  step = -(-len(found.labels) // nesting.MOST_PHOTOS)
  for number, labels in enumerate(tqdm(found.labels, desc="look", unit="photo")):
    try:
      _, labelled = labels.load()
      if not spec and number % step == 0:
        nested.add(labelled)
    except (ValueError, OSError) as error:
      failures.append(labels.complaint(str(error)))
      continue
    if not labelled.regions:
      bare.append(labels.name)
    if cut := sum(region.outside for region in labelled.regions):
      outside[labels.name] = cut
    for region in labelled.regions:
      counts[region.name, region.parent] += 1
      if not region.crowd:
        objects.add(region.name)
  if failures and not counts:
    raise ValueError(f"The labels of {tool} in {folder} cannot be used:{listed(failures, 10)}")
  photos_found = counted(len(found.labels), "photo")
  lines = [f"{folder} has labels of {tool}: {photos_found}. Names in them:"]
  lines += [f"  {name}: {counted(count, 'time')}" for (name, _), count in counts.most_common()]
  lines += [
    *report.about_outside(outside),
    *report.about_photos(found.photos_without_labels(), bare),
  ]
  if found.left_out:
    lines.append(f"Not read: {found.left_out}.")
  if failures:
    lines.append(f"{len(failures)} of them cannot be used:{listed(failures, 10)}")
  written = []
  if not spec:
    stuff = {name for name, _ in counts if name not in objects}
    path = folder / f"{dataset_name(folder)}.yaml"
    _require_new([path])
    meant = Counter(
      {name: count for name, count in counts.items() if not hints.is_nothing(name[0])}
    )
    classes = draft.classes_of_names(meant, stuff)
    if not classes and found.left_out:
      raise ValueError(f"The labels in {folder} have no class. Not read: {found.left_out}.")
    background = draft.background(classes, nested.bare)
    hinted = hints.of_names(meant, stuff, nested.found(), has_names=bool(background))
    if tool != "voc":  # there, parts have the numbers of their objects
      lines += _about_owners(classes, meant)
    text = draft.taxonomy(
      [*classes, *background],
      from_names=True,
      unlabelled=background[0].name if background else "",
      comment=[*hinted.lines, *hinted.edits],
    )
    _write_taxonomy(path, classes, text)
    spec, written = str(path), [path]
    lines += [*_about_bare(nested.bare, bool(background)), *hinted.lines]
    if hinted.edits:
      lines.append(f"If so, the lines to write stand at the end of {path}.")
    lines.append(f"{path} is a draft: look at it, and change what is wrong, before you convert.")
  out = folder.with_name(f"{folder.resolve().name}_dataset")
  command = ["jppf", "convert", f"--from={tool}", str(folder), f"--spec={spec}", f"--out={out}"]
  more = [f"--photos={photos}"] if photos else []
  return Result(lines, written, [command + more, ["jppf", "init", str(out)]])


def _about_owners(classes: list[draft.Class], names: Counter[tuple[str, str]]) -> Iterator[str]:
  """Yields the classes that nothing is drawn of but their parts."""
  drawn = {name for name, _ in names}
  for one in classes:
    if one.parts and one.name not in drawn:
      yield (
        f"Parts of {quoted(one.name)} are drawn, but no {quoted(one.name)}: parts lie on objects, "
        "and where there is none they become void or background. Draw the objects, too."
      )


def _about_bare(share: float, is_drafted: bool) -> Iterator[str]:
  """Yields what becomes of the pixels that nothing is drawn on, if they are many."""
  if share < draft.FEW:
    return
  yield f"Nothing is drawn on {100 * share:.0f} % of the pixels. " + (
    f"The draft calls them {draft.BACKGROUND}, a stuff class; delete it, and `{UNLABELLED}:`, if "
    "nobody knows what they are: then they are neither trained nor scored."
    if is_drafted
    else "They are void, neither trained nor scored, unless the draft names a stuff class for them "
    f"(names: {{{UNLABELLED}: CLASS}})."
  )


def _write_taxonomy(path: Path, classes: list[draft.Class], text: str) -> None:
  if not classes:
    raise ValueError(f"The labels in {path.parent} have no class: all pixels are void.")
  if len(classes) > draft.MOST_CLASSES:
    room = f"uids have room for {draft.MOST_CLASSES}"
    raise ValueError(f"The labels have {len(classes)} classes, {room}.")
  write_text(path, text)
  try:
    load_spec(str(path))  # what was written can be read
  except ValueError as error:
    path.unlink()
    raise ValueError(f"Of the names in {path.parent} no taxonomy can be made. {error}") from error


def _require_new(paths: list[Path]) -> None:
  if there := [str(path) for path in paths if path.exists()]:
    raise FileExistsError(
      f"{' and '.join(there)} exist already and are not replaced; move them away, or use them."
    )


def _of_uids(folder: Path, spec: str) -> Result:
  """Writes taxonomy, builder and config of a folder of photos and uid files."""
  name = dataset_name(folder)
  builder_file = folder / f"{name}{BUILDER}.py"
  config_file = folder / f"{name}{OWN_CONFIG}.py"
  spec_file = folder / f"{name}.yaml"
  _require_new([builder_file, config_file, *([] if spec else [spec_file])])
  found = look.layout(folder)
  counted = look.survey(folder, found)
  if sum(counted.counts.values()) < 2:
    raise ValueError(f"{folder} has one photo with a label; expected two: training, validation.")
  written = [builder_file, config_file]
  if not spec:
    classes = draft.classes_of_ids(counted)
    _write_taxonomy(spec_file, classes, draft.taxonomy(classes, from_names=False))
    written.insert(0, spec_file)
    spec = str(spec_file)
  taxonomy = load_spec(spec)
  _check_ids(taxonomy, counted, spec)
  named = spec if spec in SPECS else _as_seen_from(Path(spec), folder)
  write_text(builder_file, run_files.builder(name, named, found))
  sided = sides.unpaired(taxonomy)
  parts = run_files.Parts(taxonomy.num_things > 0, taxonomy.num_parts > 1, bool(sided))
  files = str(config_file), builder_file.name
  write_text(config_file, run_files.config(name, files, "str(HERE)", counted, parts))
  commands = [
    ["jppf", "prepare", str(builder_file), f"--manual_dir={folder}", "--data_dir=data_sets"],
    ["jppf", "train", f"--config={config_file}", f"--workdir=runs/{name}"],
  ]
  lines = [
    *_description(counted, taxonomy),
    *_about_unknown(counted, taxonomy),
    _about_flip(sided, config_file.name),
  ]
  return Result(lines, written, commands)


def _about_flip(sided: list[str], config: str) -> str:
  """Returns what the config of that name says about mirrored views, and why.

  Args:
    sided: what is called left or right without a pair.
    config: its name.
  """
  if not sided:
    return (
      f"{config} has flip=True: training mirrors half of the views. If a class or a part knows "
      "left and right, e.g. 'left arm', set flip=False, or name pairs of parts under mirror: in "
      "the YAML."
    )
  shown = first_of([quoted(name) for name in sided], 4)
  return (
    f"{config} has flip=False, no view is mirrored, because of {shown}: left and "
    "right would be exchanged. To set flip=True, name pairs of parts under mirror: in the YAML "
    "first."
  )


def _as_seen_from(spec: Path, folder: Path) -> str:
  """Returns how the builder in a folder names a YAML: by its name if it lies beside it."""
  place = spec.resolve()
  return place.name if place.parent == folder.resolve() else str(place)


def _about_unknown(found: look.Survey, spec: LabelSpec) -> Iterator[str]:
  """Yields what a network cannot learn from the labels, though it may look as if it did."""
  classes = {sid: int(spec.sid_to_train[sid]) for sid in found.pixels}
  unknown = [sid for sid, train_id in classes.items() if train_id >= spec.num_classes]
  void = sum(found.pixels[sid] for sid in unknown)
  if void > _MANY * found.pixels.total():
    yield (
      f"Much is void, {100 * void / found.pixels.total():.0f} % of the pixels: neither trained nor "
      "scored, so a network calls them anything. If they are background, make it a class; `jppf "
      f"convert` does if the spec has names: {{{UNLABELLED}: CLASS}}."
    )
  if spec.num_classes == 1:
    yield f"There is one class, so each pixel will be called {spec.class_names[0]}."
  for sid, train_id in classes.items():
    if sid in unknown or not spec.has_parts[train_id]:
      continue
    of_objects = found.pixels[sid] - found.crowds[sid]
    bare = of_objects - sum(pixels for (scene, _), pixels in found.parts.items() if scene == sid)
    if bare > _MANY * of_objects:
      name = spec.class_names[train_id]
      yield (
        f"{name}: {100 * bare / of_objects:.0f} % of the pixels of its objects have no part; they "
        "are not trained as one, nor scored. If they are one part more, e.g. rest, `jppf convert` "
        f"writes it if the spec has it, and names: {{{name}/{UNLABELLED}: {name}/rest}}."
      )


def _check_ids(spec: LabelSpec, found: look.Survey, named: str) -> None:
  """Compares the ids in the labels with the taxonomy.

  Raises:
    ValueError: it lacks some; lists them.
  """
  missing = [f"class {sid}" for sid in sorted(found.pixels) if not spec.legal[sid, 0]]
  missing += [
    f"part {pid} of class {sid}"
    for sid, pid in sorted(found.parts)
    if spec.legal[sid, 0] and not spec.legal[sid, pid]
  ]
  if missing:
    raise ValueError(
      f"{named} does not have ids that are in the labels; add them, or list classes under ignore:"
      f"{listed(missing, 20)}"
    )


def _description(found: look.Survey, spec: LabelSpec) -> Iterator[str]:
  """Yields what the labels hold."""
  shares = ", ".join(f"{count} for {split}" for split, count in sorted(found.counts.items()))
  if not found.counts["validation"]:
    shares = f"{found.counts['train']}, one in ten is for validation"
  yield f"Photos with labels: {shares}."
  height, width = found.median_size
  yield f"Sizes: {len(found.sizes)} different ones, the median is {height} x {width}."
  if found.without_label:
    some = found.without_label[0]
    yield f"{len(found.without_label)} photos have no label and are left out, e.g. {some}."
  total = found.pixels.total()
  yield f"  {'class':<20} {'pixels':>8} {'objects':>8}  parts"
  for sid, pixels in sorted(found.pixels.items(), key=lambda entry: -entry[1]):
    train_id = int(spec.sid_to_train[sid])
    name = spec.class_names[train_id] if train_id < spec.num_classes else f"void ({sid})"
    parts = sum(scene == sid for scene, _ in found.parts)
    share = f"{100 * pixels / total:7.2f}%"
    yield f"  {name:<20} {share} {found.objects[sid]:>8}  {parts or ''}".rstrip()
  if found.sides:
    sides = sorted(found.sides)
    yield (
      f"Objects: at most {found.most_objects} in a photo; sides {sides[0]:.0f} to {sides[-1]:.0f} "
      f"pixels, median {sides[len(sides) // 2]:.0f}."
    )
