"""List the pages in the order of the navigation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NavigationEntry:
    """Name one page of the navigation."""

    path: str
    title: str


NAVIGATION = (
    NavigationEntry("/", "Today"),
    NavigationEntry("/campaigns", "Campaigns"),
    NavigationEntry("/customers", "Customers"),
    NavigationEntry("/segments", "Segments"),
    NavigationEntry("/audiences", "Audiences"),
    NavigationEntry("/offers", "Offers"),
    NavigationEntry("/experiments", "Experiments"),
    NavigationEntry("/runs", "Runs and releases"),
    NavigationEntry("/data", "Data"),
)


def active_path(path: str) -> str:
    """Return the entry's path under which a page of the console lies."""
    first = "/" + path.strip("/").partition("/")[0]
    return first if any(entry.path == first for entry in NAVIGATION) else "/"
