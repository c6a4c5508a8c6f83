from jppf_jax.cli import configs
from jppf_jax.labels.registry import load_spec
from jppf_jax.tables.rows import TABLES
from jppf_jax.tables.setting import QUICK, SETTINGS, rows_of


def test_rows_that_need_another_taxonomy_are_left_out():
  everything = sum(len(table.rows) for table in TABLES.values())
  assert len(rows_of(SETTINGS["cpp"], tuple(TABLES))) == everything - 1  # of random weights
  systems = {row.system for _, row in rows_of(SETTINGS["clothing"], tuple(TABLES))}
  assert "jppf" in systems and "independent" in systems
  assert not systems & {"jppf_sembg", "parts_nongrouped"}


def test_random_weights_have_a_row_where_the_others_start_from_trained_ones():
  for setting in (*SETTINGS.values(), *QUICK.values()):
    systems = {row.system for _, row in rows_of(setting, tuple(TABLES))}
    assert ("jppf_random" in systems) == setting.pretrained
    assert not setting.pretrained or configs.load(setting.config).model.pretrained


def test_only_the_tables_that_are_asked_for():
  assert {number for number, _ in rows_of(SETTINGS["cpp"], (2, 5))} == {2}


def test_the_configs_and_taxonomies_exist():
  for setting in (*SETTINGS.values(), *QUICK.values()):
    assert setting.config in configs.names()
    assert 1.0 in setting.scales
    for labels in filter(None, setting.labels.values()):
      load_spec(labels)
