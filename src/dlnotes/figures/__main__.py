"""`python -m dlnotes.figures 出力先`: 変わった図を描く。"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dlnotes.figures._build import build


def main() -> int:
    """図を描き、できなければ理由を一行ずつ述べて 1 を返します。"""
    parser = argparse.ArgumentParser(
        prog="python -m dlnotes.figures", description="図を SVG に描く"
    )
    parser.add_argument("folder", type=Path, metavar="出力先")
    try:
        build(parser.parse_args().folder)
    except (OSError, RuntimeError, SyntaxError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # シェルの決まりで、Ctrl-C による終わり。
    return 0


if __name__ == "__main__":
    sys.exit(main())
