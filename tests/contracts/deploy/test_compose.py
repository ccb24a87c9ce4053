"""docker-compose.yml and the Dockerfiles agree with the code; the checks need no Docker engine."""

import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import RENAMED, ROOT, SERVICE_SETTINGS, Settings
from tests.support.contracts.airflow_options import unknown_options

TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILES = sorted((ROOT / "deploy").glob("*.Dockerfile"))
# `make setup` installs one of our own where the machine has none.
UV = shutil.which("uv") or str(ROOT / ".uv" / "bin" / "uv")
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
EXAMPLE = (ROOT / ".env.example").read_text()

# Packages that an image must not carry: the reason for three images.
ABSENT = {
    "airflow.Dockerfile": {"tensorflow", "feast", "bentoml", "great-expectations", "onnxruntime"},
    "worker.Dockerfile": set(),
    "serving.Dockerfile": {"tensorflow", "apache-airflow", "dbt-core", "great-expectations"},
}
# Packages that a setting or a large catalogue may need, in every image that opens the event log or a bundle.
ASKED_FOR = {"redis", "confluent-kafka", "faiss-cpu"}
# Airflow's own commands and the one that the Celery provider adds.
AIRFLOW_COMMANDS = {"api-server", "scheduler", "dag-processor", "triggerer", "celery"}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    else:
        yield str(value)


def environment(service: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in service.get("environment", {}).items()}


def test_the_production_shape_is_whole() -> None:
    assert {"postgres", "redis", "service", "airflow-init", "airflow-worker"} <= set(SERVICES)
    assert {"airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"} <= set(SERVICES)


@pytest.mark.parametrize("name", BUILT)
def test_every_image_is_built_from_a_file_that_exists(name: str) -> None:
    build = BUILT[name]["build"]
    assert (ROOT / build["context"] / build["dockerfile"]).is_file()


def test_every_dockerfile_is_used() -> None:
    used = {Path(service["build"]["dockerfile"]).name for service in BUILT.values()}
    assert used == {file.name for file in DOCKERFILES} == set(ABSENT)


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_an_image_installs_groups_that_exist_from_the_lock_alone(dockerfile: Path) -> None:
    text = dockerfile.read_text()
    groups = re.findall(r"--group (\S+)", text)
    assert groups
    assert set(groups) <= set(GROUPS)
    assert "uv sync --frozen" in text
    assert "--no-default-groups" in text


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_an_image_carries_only_what_its_process_needs(dockerfile: Path) -> None:
    groups = [word for group in re.findall(r"--group (\S+)", dockerfile.read_text()) for word in ("--group", group)]
    exported = subprocess.run(
        [UV, "export", "--frozen", "--offline", "--no-hashes", "--no-default-groups", *groups],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    packages = set(re.findall(r"^([a-z0-9-]+)==", exported, flags=re.MULTILINE))
    assert "pydantic-settings" in packages
    assert packages & ABSENT[dockerfile.name] == set()
    if "COPY events events" in dockerfile.read_text():
        assert packages >= ASKED_FOR


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_an_image_copies_what_exists_and_what_its_code_imports(dockerfile: Path) -> None:
    copied = [line.split()[1:-1] for line in dockerfile.read_text().splitlines() if line.startswith("COPY")]
    sources = {source for line in copied for source in line}
    assert [source for source in sources if not (ROOT / source).exists()] == []
    packages = {source for source in sources if (ROOT / source).is_dir()}
    known = {package.parent.name for package in ROOT.glob("*/__init__.py")} | {"dags"}
    imported = {
        name
        for package in packages
        for file in (ROOT / package).rglob("*.py")
        for name in re.findall(r"^\s*(?:from|import) (\w+)", file.read_text(), flags=re.MULTILINE)
    }
    assert (imported & known) - packages == set()


@pytest.mark.parametrize("name", BUILT)
def test_every_command_exists(name: str) -> None:
    command = [str(word) for word in BUILT[name]["command"]]
    if command[0] == "airflow":
        assert command[1] in AIRFLOW_COMMANDS
    elif command[0] == "bash":
        assert (ROOT / command[1]).is_file()
    else:
        assert command[:2] == ["python", "-m"]
        assert (ROOT / command[2] / "__main__.py").is_file()


def test_the_commands_options_exist() -> None:
    """Of the commands the default environment holds, the options that the composition gives."""
    asked = {
        ("airflow", "api-server"): {"--host", "--port"},
        ("airflow", "scheduler"): {"--skip-serve-logs"},
        ("airflow", "triggerer"): {"--skip-serve-logs"},
        ("serving",): {"--host"},
    }
    for command, options in asked.items():
        lines = [service["command"] for service in BUILT.values() if set(command) <= set(service["command"])]
        assert lines
        assert {word for line in lines for word in line if str(word).startswith("--")} == options
    serving = (ROOT / "serving" / "__main__.py").read_text()
    assert '"--host"' in serving


@pytest.mark.parametrize("name", BUILT)
def test_every_environment_name_is_known(name: str) -> None:
    settings = {f"REACH_{field}".upper() for field in Settings.model_fields}
    assert unknown_options(list(environment(BUILT[name]))) == []
    for variable in environment(BUILT[name]):
        if variable.startswith("AIRFLOW__"):
            continue
        if variable.startswith("REACH_"):
            assert variable in settings or variable in RENAMED, variable
        else:
            assert variable == "AIRFLOW_ADMIN_PASSWORD"


def test_a_step_in_the_worker_finds_every_setting_that_concerns_it() -> None:
    # Airflow's port on one machine, the service's keys and rate, the settings of the console, and the demo's mail sink.
    elsewhere = {"REACH_AIRFLOW_PORT", "REACH_API_KEYS", "REACH_RATE_LIMIT_PER_SECOND"}
    elsewhere |= {"REACH_MAIL_SMTP_PORT", "REACH_MAIL_PAGE_PORT"}
    elsewhere |= {f"REACH_CONSOLE_{name}" for name in ("PORT", "USERS", "KEY", "HOSTS")}
    settings = {f"REACH_{field}".upper() for field in Settings.model_fields}
    assert settings - set(environment(SERVICES["airflow-worker"])) == elsewhere
    of_service = {f"REACH_{field}".upper() for field in SERVICE_SETTINGS}
    assert of_service - set(environment(SERVICES["service"])) == set()


def test_every_process_that_runs_on_says_whether_it_is_well() -> None:
    """tests/e2e/test_production_shape.py asks each of them."""
    assert [name for name in BUILT if name != "airflow-init" and "healthcheck" not in SERVICES[name]] == []


def test_the_initialisation_reads_only_what_it_is_given() -> None:
    script = (ROOT / "deploy" / "init.sh").read_text()
    given = environment(SERVICES["airflow-init"])
    image = (ROOT / "deploy" / "airflow.Dockerfile").read_text()
    read = set(re.findall(r"\$([A-Z][A-Z_]+)", script)) | set(re.findall(r'environ\["(\w+)"\]', script))
    assert {"AIRFLOW_ADMIN_PASSWORD", "REACH_DATA"} <= read
    assert {name for name in read if name not in given and f"{name}=" not in image} == set()


def test_secrets_have_no_default_and_are_explained() -> None:
    secrets = set(re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*)", TEXT))
    assert {"POSTGRES_PASSWORD", "REACH_REDIS_PASSWORD", "AIRFLOW_JWT_SECRET"} <= secrets
    # Without these no e-mail and no webhook leaves, and everything else runs.
    may_be_empty = {"REACH_UNSUBSCRIBE_KEY", "REACH_WEBHOOK_SECRET"}
    for name in secrets:
        expected = ":-" if name in may_be_empty else ":?set it in .env"
        assert set(re.findall(rf"\$\{{{name}(.*?)\}}", TEXT)) == {expected}, name
        assert re.search(rf"^{name}=$", EXAMPLE, flags=re.MULTILINE), name


def test_no_secret_is_written_down() -> None:
    for value in strings(COMPOSE):
        for match in re.findall(r"://[^:@/\s]*:([^@/\s]+)@", value):
            assert match.startswith("${"), value


def test_every_variable_of_the_composition_is_in_the_example() -> None:
    named = set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT))
    documented = set(re.findall(r"^([A-Z_]+)=", EXAMPLE, flags=re.MULTILINE))
    assert named <= documented | set(RENAMED)  # old names are passed on, so that each ends in an error with the new one


def test_defaults_are_those_of_the_settings() -> None:
    for name, default in re.findall(r"\$\{REACH_(\w+):-([^}]+)\}", TEXT):
        if name != "LANDING":
            assert str(Settings.model_fields[name.lower()].default) == default, name


def test_every_port_is_published_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"airflow-api-server", "service", "prometheus", "grafana"}
    assert all(str(port).startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_published_ports_are_those_the_processes_listen_on() -> None:
    api_server = SERVICES["airflow-api-server"]
    assert api_server["command"][-1] == "8080"
    assert api_server["ports"][0].endswith(":8080")
    assert ":8080/execution/" in environment(api_server)["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    service = SERVICES["service"]
    assert service["ports"][0].endswith(f":{environment(service)['REACH_SERVICE_PORT']}")
    worker = SERVICES["airflow-worker"]
    assert worker["network_mode"] == "service:service"
    assert environment(worker)["REACH_SERVICE_PORT"] == environment(service)["REACH_SERVICE_PORT"]


@pytest.mark.parametrize("name", SERVICES)
def test_hosts_named_in_the_environment_are_services(name: str) -> None:
    for variable, value in environment(SERVICES[name]).items():
        for host in re.findall(r"(?:@|://)([a-z][a-z-]+)(?=[:/])", value):
            if host not in ("airflow",):
                assert host in SERVICES, f"{variable}={value}"
    for needed in SERVICES[name].get("depends_on", {}):
        assert needed in SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_every_volume_is_declared_and_data_is_where_the_code_looks(name: str) -> None:
    service = SERVICES[name]
    named = [mount for mount in service.get("volumes", []) if not mount.startswith("./")]
    mounts = [re.fullmatch(r"(\$\{\w+:-)?(\w+)\}?:(/[^:]+)(:ro)?", mount) for mount in named]
    assert all(mounts)
    assert {mount[2] for mount in mounts if mount} <= set(COMPOSE["volumes"])
    targets = {mount[3] for mount in mounts if mount}
    if "REACH_DATA" in environment(service):
        assert environment(service)["REACH_DATA"] in targets
    if "AIRFLOW__LOGGING__BASE_LOG_FOLDER" in environment(service):
        assert "/airflow" in targets
    if environment(service).get("REACH_LANDING"):
        assert "/landing" in targets


@pytest.mark.parametrize("name", SERVICES)
def test_files_mounted_from_the_repository_exist_and_are_read_only(name: str) -> None:
    for mount in SERVICES[name].get("volumes", []):
        if mount.startswith("./"):
            source, _, mode = mount.split(":")
            assert (ROOT / source).exists(), mount
            assert mode == "ro"


def test_images_that_are_not_built_here_are_pinned_by_a_tag() -> None:
    images = [service["image"] for name, service in SERVICES.items() if name not in BUILT]
    assert images
    assert [image for image in images if not re.fullmatch(r"[a-z/]+:v?\d[\w.]*", image)] == []


def test_the_initialisation_script_is_valid_shell() -> None:
    subprocess.run(["bash", "-n", str(ROOT / "deploy" / "init.sh")], check=True)
    assert "set -euo pipefail" in (ROOT / "deploy" / "init.sh").read_text()
    parse = next(line for line in (ROOT / "deploy" / "init.sh").read_text().splitlines() if "dbt parse" in line)
    words = shlex.split(parse)
    assert (ROOT / words[words.index("--project-dir") + 1] / "dbt_project.yml").is_file()
    assert (ROOT / words[words.index("--profiles-dir") + 1] / "profiles.yml").is_file()
