"""`python -m features` writes docs/features.md from the declared features."""

from pathlib import Path

from features.page import page

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "features.md"


def main() -> int:
    """Write the page."""
    DOCUMENT.write_text(page())
    print(f"Wrote {DOCUMENT}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
