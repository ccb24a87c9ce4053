"""Rows that are left out are counted, logged and kept in the manifest."""

from landing.findings import Finding, Findings
from tests.support.logs import logged


def test_a_finding_is_logged_and_kept_with_its_example_and_once() -> None:
    findings = Findings()
    with logged("landing") as messages:
        findings.add("ignored_file", None, 1, "1 file was not read.", "notes.txt")
        findings.add("nothing", None, 0, "0 rows.")
        findings.take(next(iter(findings)))
    assert messages == ["note (ignored_file): 1 file was not read. Example: notes.txt"]
    expected = Finding(kind="ignored_file", table=None, count=1, message="1 file was not read.", example="notes.txt")
    assert list(findings) == [expected]
