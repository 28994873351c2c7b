"""Write files as a script, for a page that loads them only when a reader asks.

A page that is opened from a file may load scripts, but it may not fetch other files. So each file
is compressed and written as text into a script.
"""

import gzip
import json
from base64 import b64encode
from collections.abc import Mapping


def packed_script(files: Mapping[str, bytes]) -> str:
    """A script that adds ``files`` to ``kdlibFiles`` by their names.

    A file is compressed by gzip and written in base64. The same files give the same script.
    """
    return script_of({name: gzip.compress(content, 9, mtime=0) for name, content in files.items()})


def script_of(packed: Mapping[str, bytes]) -> str:
    """The same of files that are compressed by gzip already."""
    texts = {name: b64encode(content).decode() for name, content in packed.items()}
    return f"Object.assign((globalThis.kdlibFiles ??= {{}}), {json.dumps(texts)});\n"
