"""`DLNOTES_OFFLINE=true` で作ったサイトを、開けばそのまま読める zip にする。

python -m dlnotes.site.offline SITE ZIP    SITE のファイルを、ZIP の中の dlnotes/ に入れる
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from dlnotes.figures._files import replacing

__all__ = ["write_zip"]

# サーバーと検索エンジンだけが読むもの。
_FOR_SERVERS = {"404.html", "sitemap.xml", "sitemap.xml.gz"}


def write_zip(site: Path, destination: Path) -> None:
    """同じサイトからはいつも同じ zip を作ります。

    Args:
        site: できあがったサイト。
        destination: 書き出す場所。
    """
    paths = sorted(path for path in site.rglob("*") if path.is_file())
    with replacing(destination) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for path in paths:
            name = path.relative_to(site).as_posix()
            if name not in _FOR_SERVERS:
                # 日付と権限を書かない。
                entry = zipfile.ZipInfo(f"dlnotes/{name}")
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    write_zip(*map(Path, sys.argv[1:]))
