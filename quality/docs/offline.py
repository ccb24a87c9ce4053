"""Remove references to other hosts from Great Expectations' pages, and style the pages locally.

The library's pages load Bootstrap, jQuery, Vega and fonts from five hosts. `docs.css` covers the classes that its pages
use, and `docs.js` has their three functions: fold a section, show all checks, show the failed ones.
"""

import os
import re
import shutil
from pathlib import Path

_REMOTE = re.compile(
    r"""<link\b[^>]*?href=["']https?://[^>]*>|<script\b[^>]*?src=["']https?://[^>]*>\s*</script>""", re.IGNORECASE
)
_ICON = re.compile(r"<link\b[^>]*shortcut icon[^>]*>", re.IGNORECASE)  # the library's own leads one folder too far up
_FOOTER = re.compile(r"<footer\b.*?</footer>", re.DOTALL | re.IGNORECASE)
_LOGO_ON_THE_WEB = re.compile(r"https://great-expectations-web-assets[^\"')]*")
_PARTS = ("docs.css", "docs.js")


def make_offline(site: Path) -> None:
    """Rewrite every page below `site`, and delete static files of the library that no page shows."""
    static = site / "static"
    _drop_unused(static)
    for part in _PARTS:
        shutil.copyfile(Path(__file__).with_name(part), static / part)
    for page in site.rglob("*.html"):
        page.write_text(_offline(page.read_text(), Path(os.path.relpath(static, page.parent)).as_posix()))


def _offline(text: str, static: str) -> str:
    for unwanted in (_REMOTE, _ICON, _FOOTER):
        text = unwanted.sub("", text)
    text = _LOGO_ON_THE_WEB.sub(f"{static}/images/logo-long.png", text)
    own = (
        f'<link rel="shortcut icon" href="{static}/images/favicon.ico">'
        f'<link rel="stylesheet" href="{static}/docs.css"><script src="{static}/docs.js" defer></script>'
    )
    return text.replace("</head>", f"{own}</head>", 1)


def _drop_unused(static: Path) -> None:
    kept = {static / "images" / "logo-long.png", static / "images" / "favicon.ico"}
    for file in [path for path in static.rglob("*") if path.is_file()]:
        if file not in kept:
            file.unlink()
    for folder in sorted((path for path in static.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
