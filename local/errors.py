"""Define the errors of the local stack.

DemoError
├── PortTakenError      another program listens where Airflow or the service should
├── ProcessFailedError  a program the demo started has ended, or a command failed
├── RunFailedError      a DAG run ended red
├── NotReadyError       something started did not become ready in time
├── NotRunningError     Airflow is needed and was not started
├── SettingsChangedError  a program runs with other settings and cannot be restarted now
├── LandingMissingError  REACH_LANDING names no folder
├── NoKeyError          the service wants a key that the demo does not have
└── WarehouseBusyError  another process has the warehouse open
"""


class DemoError(Exception):
    """The demo cannot continue; the message gives the next step."""


class PortTakenError(DemoError):
    """Another program listens on a port."""

    def __init__(self, port: int, purpose: str, setting: str) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1, meant for {purpose}, is taken by another program. "
            f"Set {setting} to a free port, or stop that program."
        )


class ProcessFailedError(DemoError):
    """A program has ended though it should run, or a command ended with an error."""


class NotRunningError(DemoError):
    """A command needs the running Airflow, and there is none."""


class LandingMissingError(DemoError):
    """The setting names a folder that does not exist."""


class SettingsChangedError(DemoError):
    """A program runs with other settings than this command's, and work would be lost by restarting it."""


class NoKeyError(DemoError):
    """Requests to the service need a key, and there is none or a wrong one."""


class RunFailedError(DemoError):
    """A DAG run ended red; the task's last lines have been shown."""


class NotReadyError(DemoError):
    """Something was started and did not become ready in time."""


class WarehouseBusyError(DemoError):
    """Another process has the warehouse open, which only one process may write."""
