"""Laws of the kernels that are copies of one process."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from myst_nb.core.execute.direct import single_nb_execution
from nbformat import v4

from kdlib.report.kernels import copied_kernels

CELL = """
import os
import pandas
met = globals().get("met", 0) + 1
print(os.getcwd(), os.environ["WHO"], met, pandas.get_option("display.max_columns"))
"""


def test_every_copied_kernel_begins_afresh_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TemporaryDirectory() as folder:  # of a short path
        config = copied_kernels(folder)
        for who in ("first", "second"):
            monkeypatch.setenv("WHO", who)
            (tmp_path / who).mkdir()
            notebook = v4.new_notebook(cells=[v4.new_code_cell(CELL)])
            single_nb_execution(notebook, str(tmp_path / who), 60, False, config=config)
            (output,) = notebook.cells[0].outputs
            assert output.text == f"{tmp_path / who} {who} 1 20\n"
