"""The examples do what they say, on a real server."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as connect_websocket
from websockets.typing import Origin

from conformance.messages import Request
from conformance.servers import ask_server, uvicorn_server
from conformance.situations import APP, EVIL
from examples.observe_prometheus import build

Counts = dict[tuple[str, str, str], float]


def counts(address: str) -> Counts:
    page = ask_server(address, Request("GET", "/metrics")).body.decode()
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    decisions = [sample.labels for sample in samples if sample.name == "cors_decisions_total"]
    assert all(set(labels) == {"kind", "allowed", "reason"} for labels in decisions)
    return {
        (sample.labels["kind"], sample.labels["allowed"], sample.labels["reason"]): sample.value
        for sample in samples
        if sample.name == "cors_decisions_total"
    }


def test_prometheus_counts_decisions_by_kind_and_reason() -> None:
    with uvicorn_server(build(CollectorRegistry()), ws="websockets-sansio") as address:
        before = counts(address)
        for request in (
            Request.actual(APP),
            Request.actual(APP),
            Request.actual(EVIL),
            Request.actual(None),
            Request.actual(address, method="POST"),  # the application's own page
            Request.preflight(APP, "PUT"),
            Request.preflight(APP, "DELETE"),
            Request.preflight(EVIL, "PUT"),
        ):
            ask_server(address, request)
        with pytest.raises(InvalidStatus):
            connect_websocket(address.replace("http", "ws", 1), origin=Origin(EVIL), proxy=None)
        after = counts(address)

    assert before == {}
    assert after == {
        ("actual", "true", "allowed"): 2,
        ("actual", "false", "origin-not-allowed"): 1,
        ("preflight", "true", "allowed"): 1,
        ("preflight", "false", "method-not-allowed"): 1,
        ("preflight", "false", "origin-not-allowed"): 1,
        ("websocket", "false", "origin-not-allowed"): 1,
    }


def test_prometheus_labels_stay_few_whatever_clients_send() -> None:
    with uvicorn_server(build(CollectorRegistry()), http="h11") as address:  # httptools knows its own methods only
        for number in range(30):
            ask_server(address, Request.actual(f"https://site{number}.example", f"/path{number}", method=f"M{number}"))
            ask_server(address, Request.preflight(f"https://site{number}.example", f"M{number}"))
            ask_server(address, Request.preflight(f"not an origin {number}", f"M{number}"))
        page = ask_server(address, Request("GET", "/metrics")).body.decode()
        after = counts(address)

    assert after == {
        ("actual", "false", "origin-not-allowed"): 30,
        ("preflight", "false", "origin-not-allowed"): 30,
        ("preflight", "false", "origin-malformed"): 30,
    }
    assert "site" not in page
    assert "path" not in page


def test_the_metrics_are_not_for_pages_of_other_origins() -> None:
    with uvicorn_server(build(CollectorRegistry())) as address:
        response = ask_server(address, Request.actual(APP, "/metrics"))

    assert (response.status, response.cors) == (200, {})
