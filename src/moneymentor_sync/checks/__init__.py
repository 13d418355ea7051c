"""What `mmsync check` tries, step by step, and what it makes of it; how that is shown is the command's business.

Beside `wiring` the one place that knows several adapters, since it looks at each part on its own. `survey`,
`places` and `database` look; `account`, `tabs` and `machine` decide, and are pure; `checkup` has the order.
Nothing here writes to the spreadsheet, to the database or to a file.
"""

from .checkup import check_everything
from .result import Check, Status, all_well

__all__ = ["Check", "Status", "all_well", "check_everything"]
