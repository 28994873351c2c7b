"""Laws of text: any locale, any name, and files of another encoding are one line."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from kdlib.data.clinics import open_clinics
from kdlib.errors import InputError
from kdlib.kept import read_table
from kdlib.report.table_files import excel_hint
from kdlib.study.cluster import read_cluster_file
from kdlib.study.study import load_study
from tests.command import kdlib
from tests.patients import write_plain
from tests.tiny import study_text

TWO_CHECKS = """
import sys
from kdlib.cli import main
good, bad = sys.argv[1:]
sys.argv = ["kdlib", "check", good]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
sys.argv[2] = bad
main()
"""
FAR = "Jürgen_Ωλ_日本"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_no_letter_ends_a_command_on_any_screen(tmp_path: Path, encoding: str) -> None:
    folder = write_plain(tmp_path / FAR, "a", FAR)
    done = kdlib("check", folder, encoding=encoding)
    assert (done.status, len(done.out.splitlines()) > 2) == (0, True)
    refused = kdlib("check", folder / "nowhere", encoding=encoding)
    assert (refused.status, len(refused.err.splitlines())) == (2, 1)


def test_no_letter_ends_a_command_in_the_plainest_locale(tmp_path: Path) -> None:
    folder = write_plain(tmp_path / FAR, "a", FAR)
    command = [sys.executable, "-c", TWO_CHECKS, folder, folder / "nowhere"]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"LC_ALL": "C"})
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) > 2  # of the folder that is there


def far_study() -> str:
    arms = '[arms.L-bound]\nmethod = "unadapted"'
    return study_text(arms).replace("Tiny.", f"Tiny, of {FAR}.")


def test_a_study_is_utf8_with_or_without_a_mark_in_any_locale(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        for newline in ("\n", "\r\n"):
            path = tmp_path / "mine.toml"
            path.write_text(far_study(), encoding=encoding, newline=newline)
            assert FAR in load_study(str(path)).about


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252", "shift-jis"])
def test_a_file_in_another_encoding_is_one_line(tmp_path: Path, encoding: str) -> None:
    text = {"shift-jis": "日本", "utf-16": "x"}.get(encoding, "Jürgen")
    path = tmp_path / "mine.toml"
    path.write_bytes(far_study().replace(FAR, text).encode(encoding))
    with pytest.raises(InputError, match=r"mine.toml: this text is not UTF-8; save it as UTF-8"):
        load_study(str(path))
    with pytest.raises(InputError, match="not UTF-8"):
        read_cluster_file(path)


IDS = ["007", "NA", "null", "1e5", "1-2", "nan", "", "True", "=1+1", "0x10", "1_000", " a", "ü,\"'"]


def test_ids_stay_text_in_every_table() -> None:
    table = pd.DataFrame({"clinic": IDS, "subject": IDS, "dice": [0.5] * 12 + [None]})
    pd.testing.assert_frame_equal(read_table(table.to_csv(index=False).encode()), table)


@pytest.mark.parametrize("name", ["007", "1e5", "1-2", "MAR1", "=a", "-5", "2024-01-02", "TRUE"])
def test_what_excel_would_change_is_told_with_a_remedy(name: str) -> None:
    assert f"ids such as {name}. Open the CSV" in excel_hint(["a", name])


@pytest.mark.parametrize("name", ["50", "sub-1_ses-2", "P01", "p007", "AB12", "Maria"])
def test_what_excel_leaves_alone_is_not_told(name: str) -> None:
    assert excel_hint([name]) == ""


def test_ids_that_look_like_numbers_are_kept_apart(tmp_path: Path) -> None:
    write_plain(tmp_path, "1", "01", "1e0")
    assert len({subject.id for subject in open_clinics(tmp_path)["own"].subjects}) == 3
    assert kdlib("check", tmp_path).status == 0
