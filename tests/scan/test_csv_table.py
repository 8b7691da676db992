"""Cells that a spreadsheet would run are disarmed."""

from __future__ import annotations

import pytest

from hashmatch.scan.report.csv_table import safe_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_formula_gets_a_quote(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("value", ["path/=x", "", 5, -5, None])
def test_anything_else_is_left_alone(value: object) -> None:
    assert safe_cell(value) == value
