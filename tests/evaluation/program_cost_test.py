"""What the compiler counts is handed on, and what it does not say is known to be missing."""

from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jppf_jax.evaluation.program_cost import ProgramCost, program_cost


def test_a_product_of_matrices_has_its_operations_and_its_sizes():
  shapes = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((64, 128), (128, 32))]
  cost = program_cost(jax.jit(jnp.dot).lower(*shapes).compile())
  assert cost.flops == pytest.approx(2 * 64 * 128 * 32, rel=0.01)
  assert (cost.inputs, cost.outputs) == (4 * (64 * 128 + 128 * 32), 4 * 64 * 32)
  assert cost.moved >= cost.inputs + cost.outputs
  assert 0 <= cost.temporaries < np.inf


def test_each_figure_has_its_place():
  memory = mock.Mock(argument_size_in_bytes=1, output_size_in_bytes=2, temp_size_in_bytes=3)
  compiled = mock.Mock(spec=jax.stages.Compiled)
  compiled.memory_analysis.return_value = memory
  compiled.cost_analysis.return_value = {"bytes accessed": 4.0, "flops": 5.0}
  assert program_cost(compiled) == ProgramCost(
    flops=5.0, moved=4.0, inputs=1.0, outputs=2.0, temporaries=3.0
  )


def test_a_compiler_that_says_nothing_is_no_error():
  compiled = mock.Mock(spec=jax.stages.Compiled)
  compiled.memory_analysis.return_value = compiled.cost_analysis.return_value = None
  cost = program_cost(compiled)
  assert cost.flops == cost.moved == 0
  assert np.isnan([cost.inputs, cost.outputs, cost.temporaries]).all()
