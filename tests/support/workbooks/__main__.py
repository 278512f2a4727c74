"""Write the workbooks into a folder, to look at them."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.workbooks import CASES


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        case.build(folder / f"{case.supplier}_{case.name}.xlsx")
        sys.stdout.write(f"{case.verdict:9}{case.supplier}_{case.name}.xlsx\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
