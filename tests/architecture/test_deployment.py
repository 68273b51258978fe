"""The files of ``deploy/``, ``docker-compose.yml`` and ``Dockerfile``: what can be checked of them without running them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.embedded_properties import Node, server_properties
from tests.architecture import tree
from tracestream.arguments import parser
from tracestream.oracle_load import TABLES
from tracestream.settings import every_class, load, variables

COMPOSE = yaml.safe_load((tree.ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("data", "worker", "processor", "gateway")
UNITS = sorted((tree.ROOT / "deploy/systemd").glob("*.service"))

TOP_KEYS = {"name", "services", "secrets", "volumes"}
SERVICE_KEYS = {
    "build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "init", "ports", "read_only",
    "restart", "secrets", "security_opt", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
DURATION = re.compile(r"\d+(ms|s|m|h)")
TOPOLOGY = {
    "process.roles", "node.id", "controller.quorum.voters", "controller.listener.names", "listeners",
    "advertised.listeners", "listener.security.protocol.map", "inter.broker.listener.name", "log.dirs",
}  # fmt: skip


def seconds(text: str) -> int:
    assert DURATION.fullmatch(text), text
    return int(text.rstrip("msh")) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def check_environment(environ: dict[str, str]) -> None:
    """Every variable is a setting, and every value one that can be used; files of secrets are not there to be read."""
    assert {name for name in environ if name.startswith("TRACE_")} <= variables(every_class())
    readable = {name: value for name, value in environ.items() if not name.endswith("_FILE")}
    for cls in every_class():
        load(cls, readable)


def test_compose_has_only_keys_of_the_specification() -> None:
    assert {key for key in COMPOSE if not key.startswith("x-")} == TOP_KEYS
    for service in SERVICES.values():
        assert set(service) <= SERVICE_KEYS
        assert set(service.get("healthcheck", {})) <= HEALTH_KEYS


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_refers_to_is_there(name: str) -> None:
    service = SERVICES[name]
    for other, terms in service.get("depends_on", {}).items():
        assert other in SERVICES
        assert terms["condition"] in CONDITIONS
        assert terms["condition"] != "service_healthy" or "healthcheck" in SERVICES[other]
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert (tree.ROOT / source).is_dir() if source.startswith(".") else source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_how_it_is_and_how_long_it_takes_to_stop(name: str) -> None:
    service = SERVICES[name]
    assert seconds(service["stop_grace_period"]) >= 10
    if name != "data":
        health = service["healthcheck"]
        assert health["test"][0] in ("CMD", "CMD-SHELL")
        assert all(seconds(health[key]) > 0 for key in ("interval", "timeout"))


@pytest.mark.parametrize("name", SERVICES)
def test_every_value_of_an_environment_is_a_text(name: str) -> None:
    assert all(isinstance(value, str) for value in SERVICES[name].get("environment", {}).values())


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_runs_a_command_of_ours_with_settings_of_ours(name: str) -> None:
    parser().parse_args(SERVICES[name]["command"])
    check_environment(SERVICES[name]["environment"])


def test_no_password_stands_in_the_file() -> None:
    for service in SERVICES.values():
        secret = [name for name in service.get("environment", {}) if "PASSWORD" in name]
        assert all(name.endswith("_FILE") or name == "ORACLE_RANDOM_PASSWORD" for name in secret)


def test_ports_are_published_on_loopback_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_images_have_versions() -> None:
    assert all(":" in service["image"] or "build" in service for service in SERVICES.values())


def test_kafka_is_set_up_as_the_embedded_one() -> None:
    node = Node(1, 9092, 9093)
    properties = server_properties(node, [node], Path("/data"))
    wanted = {
        "KAFKA_" + name.replace(".", "_").upper(): value
        for name, value in properties.items()
        if name not in TOPOLOGY
    }
    environment = SERVICES["kafka"]["environment"]
    topology = {"KAFKA_" + name.replace(".", "_").upper() for name in TOPOLOGY} | {"CLUSTER_ID"}
    assert {name: value for name, value in environment.items() if name not in topology} == wanted


def directives(unit: Path) -> dict[str, list[str]]:
    """Each directive's values in order: systemd allows repetition, so that no INI reader of the library serves."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text("utf-8").splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_there_is_a_unit_for_each_process() -> None:
    assert [re.split("[-@.]", unit.name)[1] for unit in UNITS] == ["gateway", "processor", "worker"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))
def test_a_unit_runs_a_command_of_ours_with_settings_of_ours(unit: Path) -> None:
    found = directives(unit)
    (start,) = found["ExecStart"]
    program, *arguments = shlex.split(start)
    assert Path(program).name == "tracestream"
    assert arguments == [re.split("[-@.]", unit.name)[1]]
    parser().parse_args(arguments)
    environ = dict(text.split("=", 1) for text in found["Environment"])
    assert environ.pop("PYTHONSAFEPATH") == "1"
    check_environment(environ)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))
def test_a_unit_drains_restarts_and_is_hardened(unit: Path) -> None:
    found = {name: values[-1] for name, values in directives(unit).items()}
    assert found["Type"] == "notify"
    assert found["Restart"] == "always"
    assert found["EnvironmentFile"] == "/etc/tracestream/tracestream.env"
    assert 10 < int(found["TimeoutStopSec"]) <= 30
    assert found["ProtectSystem"] == "strict"
    assert found["CapabilityBoundingSet"] == ""
    assert {
        found[name] for name in found if name.startswith(("NoNew", "Private", "ProtectH", "ProtectK"))
    } == {"true"}


def test_the_environment_of_the_units_can_be_used() -> None:
    lines = (tree.ROOT / "deploy/systemd/tracestream.env").read_text("utf-8").splitlines()
    check_environment(dict(line.split("=", 1) for line in lines if line and not line.startswith("#")))


ORACLE_TYPES = {
    "VARCHAR": r"VARCHAR2\(\d+\)",
    "BIGINT": r"NUMBER\(19\)",
    "INTEGER": r"NUMBER\(10\)",
    "TIMESTAMP": r"TIMESTAMP\(6\)",
    "TIMESTAMP_S": "DATE",
    "DOUBLE": "BINARY_DOUBLE",
}


def columns(sql: str, table: str) -> dict[str, str]:
    """Names and types of a table's columns in a script of CREATE TABLE statements."""
    body = re.search(rf"CREATE TABLE {table} \((.*?)\n\);", sql, re.DOTALL)
    assert body
    parts = re.split(r",\s*(?![^(]*\))", re.sub(r",?\s*CONSTRAINT.*", "", body[1], flags=re.DOTALL))
    pairs = [part.strip().removesuffix(" NOT NULL").split(" ", 1) for part in parts]
    return {name: kind for name, kind in pairs}  # noqa: C416 - pairs are lists


@pytest.mark.parametrize("table", TABLES)
def test_oracle_has_the_tables_of_the_demo_data(table: str) -> None:
    oracle = columns((tree.ROOT / "deploy/oracle/10-schema.sql").read_text("utf-8"), table)
    duckdb = columns((tree.ROOT / "tracestream/mes/tables.sql").read_text("utf-8"), table)
    assert list(oracle) == list(duckdb)
    for name, kind in duckdb.items():
        wanted = ORACLE_TYPES.get(kind) or re.escape(kind.replace("DECIMAL", "NUMBER"))
        assert re.fullmatch(wanted, oracle[name]), name


def test_the_image_has_every_package_and_no_root() -> None:
    text = (tree.ROOT / "Dockerfile").read_text("utf-8")
    assert set(re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE)) == set(tree.top_packages())
    assert re.search(
        r"^COPY clients/python clients/python$.*pip install .* \./clients/python \.",
        text,
        re.MULTILINE | re.DOTALL,
    )
    assert "PYTHONSAFEPATH=1" in text
    assert "--require-hashes" in text
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001"]
