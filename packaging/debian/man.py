"""A man page from the text of `mmsync --help` on stdin; `man.py VERSION`."""

from __future__ import annotations

import re
import sys

HELP = sys.stdin.read()
ABOUT = " ".join(HELP.partition("\n\n")[2].partition("\nOptions:")[0].split())
LISTS = re.findall(r"(?ms)^(Options|Commands):\n(.*?)(?:\n\n|\Z)", HELP)


def escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")


print(f'.TH MMSYNC 1 "" "mmsync {sys.argv[1]}"\n.SH NAME\nmmsync \\- keeps Google Sheets equal to a database')
print(".SH SYNOPSIS\n.B mmsync\n.I COMMAND\n[\\fIOPTION\\fR]...")
print(f".SH DESCRIPTION\n{escaped(ABOUT)}")
for title, text in LISTS:
    print(f".SH {title.upper()}")
    for name, what in re.findall(r"(?m)^  (\S.*?)  +(\S.*(?:\n {10,}.*)*)", text):
        print(f".TP\n.B {escaped(name)}\n{escaped(' '.join(what.split()))}")
print(".PP\n\\fBmmsync\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR explains each.")
print(
    ".SH EXIT STATUS\n0 done; 1 failed, or the service is degraded or unhealthy; 2 wrong usage; 3 the daemon is not"
)
print("running; 78 the configuration is wrong.")
print(".SH FILES\n.I /etc/mmsync/sync.toml\n.br\n.I /var/lib/mmsync/state.db\n.br\n.I /run/mmsync/control.sock")
