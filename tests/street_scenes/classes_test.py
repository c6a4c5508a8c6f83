from jppf_jax.labels.registry import load_spec
from jppf_jax.street_scenes import classes

SPEC = load_spec("cpp")
PEOPLE = {
  classes.TORSO: "human-torso",
  classes.HEAD: "human-head",
  classes.ARM: "human-arms",
  classes.LEG: "human-legs",
}
VEHICLES = {
  classes.WINDOW: "vehicle-windows",
  classes.WHEEL: "vehicle-wheels",
  classes.LAMP: "vehicle-lights",
  classes.PLATE: "vehicle-license_plate",
  classes.CHASSIS: "vehicle-chassis",
}


def test_evaluated_classes_have_the_ids_of_the_label_spec():
  for name, sid in zip(SPEC.class_names, SPEC.class_ids.tolist()):
    assert getattr(classes, name.upper().replace(" ", "_")) == sid


def test_void_classes_are_not_evaluated():
  void = (
    classes.EGO_VEHICLE,
    classes.OUT_OF_ROI,
    classes.STATIC,
    classes.DYNAMIC,
    classes.CARAVAN,
  )
  assert (SPEC.sid_to_train[list(void)] == 255).all()


def test_classes_with_parts_and_their_part_ids_are_those_of_the_label_spec():
  parts = {}
  for sid, pids, channels in zip(SPEC.class_ids.tolist(), SPEC.class_pids, SPEC.class_parts):
    if pids:
      parts[sid] = {pid: SPEC.part_names[channel] for pid, channel in zip(pids, channels)}
  assert tuple(parts) == classes.PARTITIONABLE
  for sid, names in parts.items():
    assert names == (PEOPLE if sid in (classes.PERSON, classes.RIDER) else VEHICLES)
