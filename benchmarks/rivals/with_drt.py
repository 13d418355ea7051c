"""drt runs a project whose destination is a Google Sheet: `drt run`, with nothing of drt changed.

    python with_drt.py URL PROJECT_DIRECTORY        (an interpreter that has drt-core[sheets])

drt builds its client with `googleapiclient.discovery.build("sheets", "v4", …)` and has no option for the
address of Google; here that function is given one (`client_options.api_endpoint`, as googleapiclient's own
documentation has it), and then drt's command line is called.
"""

from __future__ import annotations

import os
import sys
from functools import partial

from googleapiclient import discovery


def main() -> None:
    url, project = sys.argv[1:]
    discovery.build = partial(discovery.build, client_options={"api_endpoint": url})
    os.chdir(project)
    sys.argv = ["drt", "run"]
    from drt.cli.main import app  # type: ignore[import-not-found]  # only in an environment of its own

    app()


if __name__ == "__main__":
    main()
