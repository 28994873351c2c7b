"""The command that removes skulls: ``strip``."""

from pathlib import Path
from typing import Annotated

import typer

from kdlib.cli.options import Form, Orientation, SkipBad, make_writable, opened


def strip(
    place: Annotated[Path, typer.Argument(help="Folder of scans.")],
    out: Annotated[Path, typer.Argument(help="New folder for their copies without skulls.")],
    skip_bad: SkipBad = False,
    orientation: Orientation = None,
    form: Form = None,
) -> None:
    """Copy a folder of scans, with everything outside the brain set to 0. Labels are copied too.

    The copy has the same layout, and every command takes it.
    """
    from kdlib.cli.segmenting import say_left_out
    from kdlib.own_scans.check import sound
    from kdlib.own_scans.strip import refuse_place
    from kdlib.own_scans.strip import strip as strip_all
    from kdlib.study.progress import count_bar

    clinics = opened([str(place)], orientation, form)
    refuse_place(clinics, out)
    with count_bar("scans checked", passing=True) as on_subject:
        (clinics,), left_out = sound([clinics], skip_bad=skip_bad, on_subject=on_subject)
    make_writable(out)
    with count_bar("scans stripped") as on_subject:
        done = strip_all(clinics, out, on_subject, left_out=left_out if skip_bad else None)
    print(f"{out}: {len(done)} scans without skulls")
    for one in done:
        for doubt in one.doubts:
            print(f"{one.subject}: {doubt}")
    say_left_out(left_out)
