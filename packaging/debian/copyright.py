"""Writes debian/copyright: this project's licence and those of all that is vendored, in Debian's own form.

`copyright.py TREE LICENSE`: TREE has the installed distributions; their licence files are taken out of it, since
this is the place for them in a Debian package. What a distribution says of itself is what is written; where it
names a licence that Debian has in /usr/share/common-licenses, that is referred to.
https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
"""

from __future__ import annotations

import re
import sys
from email.message import Message
from email.parser import Parser
from pathlib import Path, PurePosixPath

COMMON = {"Apache-2.0": "Apache-2.0", "MPL-2.0": "MPL-2.0", "LGPL-3": "LGPL-3"}
"""By Debian's short name: the file in /usr/share/common-licenses."""
SHORT = {
    "Apache 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause or Apache-2.0",
    "ISC License": "ISC",
    "LGPL-3.0-only": "LGPL-3",
}
NAMES = ("licen[cs]e*", "copying*", "notice*", "authors*")
HEADER = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: mmsync
Comment: /usr/lib/mmsync has the project itself, in moneymentor_sync, and the Python packages that it needs, as
 they are in their wheels. Some of these bring libraries: psycopg_binary libpq (PostgreSQL licence), OpenSSL
 (Apache-2.0), MIT Kerberos, OpenLDAP and Cyrus SASL; cryptography OpenSSL; PyYAML libyaml (MIT); cffi libffi (MIT).
"""


def main(tree: Path, own: Path) -> str:
    """The whole file."""
    texts = {"MIT": _body(own.read_text(encoding="utf-8"))}
    stanzas = [_stanza(["*"], _holders(own.read_text(encoding="utf-8")), "MIT")]
    for information in sorted(tree.glob("*.dist-info"), key=lambda one: one.name.lower()):
        metadata = Parser().parsestr((information / "METADATA").read_text(encoding="utf-8"), headersonly=True)
        files = _found(information)
        whole = "\n\n".join(one.read_text(encoding="utf-8").strip() for one in files)
        for one in files:
            one.unlink()
        if metadata["Name"] == "moneymentor-sync":
            continue
        name, text = _license(metadata, whole)
        if text:
            texts[name] = text
        stanzas.append(_stanza(_paths(information), _holders(whole) or str(metadata["Name"] + "'s authors"), name))
    licenses = [f"License: {name}\n{_folded(text)}\n" for name, text in sorted(texts.items())]
    return "\n".join([HEADER, *stanzas, *licenses])


def _found(information: Path) -> list[Path]:
    patterns = [re.compile(name.replace("*", ".*"), re.IGNORECASE) for name in NAMES]
    return sorted(
        one for one in information.rglob("*") if one.is_file() and any(p.fullmatch(one.name) for p in patterns)
    )


def _license(metadata: Message, whole: str) -> tuple[str, str]:
    """Its short name, unique where the text is this distribution's own, and the text."""
    said = str(metadata["License-Expression"] or metadata["License"] or "MIT")
    name = " ".join(SHORT.get(said, said).split()).replace(" OR ", " or ").replace(" AND ", " and ")
    if name in COMMON:
        return name, f"On Debian systems the full text is in /usr/share/common-licenses/{COMMON[name]}."
    own = f"{metadata['Name'].lower().replace('_', '-')}-licence"
    if "Apache-2.0" in name:
        refer = "On Debian systems Apache-2.0 is in /usr/share/common-licenses/Apache-2.0."
        whole = f"{refer}\n\n{_without_apache(whole)}"
    return own, f"{name}\n\n{whole}"


def _without_apache(whole: str) -> str:
    """The text of Apache-2.0 itself is Debian's; what stands beside it stays."""
    return re.sub(
        r"(?s)\s*Apache License\s+Version 2\.0, January 2004.*?(limitations under the License\.|\Z)", "", whole
    )


def _holders(text: str) -> str:
    lines = re.findall(r"(?im)^\W*(?:copyright\b|©).*\d{4}.*$", text)
    return "\n           ".join(dict.fromkeys(" ".join(line.strip(" #*-").split()) for line in lines))


def _body(text: str) -> str:
    return text.partition("\n\n")[2].partition("\n\n")[2]


def _paths(information: Path) -> list[str]:
    """What it installed, by its topmost names; `google` is many distributions'."""
    record = (information / "RECORD").read_text(encoding="utf-8").splitlines()
    paths = [PurePosixPath(line.split(",")[0]) for line in record]
    tops = dict.fromkeys("/".join(one.parts[: 2 if one.parts[0] == "google" else 1]) for one in paths)
    return [f"usr/lib/mmsync/{top}" + ("" if "." in top[-4:] else "/*") for top in tops if top[:2] != ".."]


def _stanza(paths: list[str], holders: str, name: str) -> str:
    return f"Files: {' '.join(paths)}\nCopyright: {holders}\nLicense: {name}\n"


def _folded(text: str) -> str:
    return "\n".join(f" {line.rstrip()}" if line.strip() else " ." for line in text.strip().splitlines())


if __name__ == "__main__":
    sys.stdout.write(main(Path(sys.argv[1]), Path(sys.argv[2])))
