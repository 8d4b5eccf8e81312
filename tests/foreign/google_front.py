"""A front that speaks gRPC to the official client and REST to the emulator.

Every answer is parsed strictly with the client's own protocol: a field that it does not know, or
one of another type, fails.
"""

import datetime
import json
import os
from concurrent import futures
from pathlib import Path

import grpc
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
from google.ads.googleads.v26.services.types import customer_service, google_ads_service
from google.protobuf import json_format

SERVICES = "google.ads.googleads.v26.services"
FAILURE_KEY = "google.ads.googleads.v26.errors.googleadsfailure-bin"
HEADERS = ("authorization", "developer-token", "login-customer-id")
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def message_of(kind, text):
    """Return a message of the client's protocol, parsed strictly."""
    return json_format.Parse(text, kind.pb(kind()), ignore_unknown_fields=False)


def self_signed(folder):
    """Return key and certificate of localhost, written for the client to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    roots = Path(folder) / "roots.pem"
    roots.write_bytes(pem)
    os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(roots)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, pem


class Front:
    """The three calls that reports need."""

    def __init__(self, emulator):
        self.emulator = emulator

    def ask(self, context, method, path, body=None):
        """Return the emulator's JSON; end the call as Google would where it refuses."""
        given = dict(context.invocation_metadata())
        headers = {name: given[name] for name in HEADERS if name in given}
        answer = requests.request(
            method, f"{self.emulator}/v26/{path}", json=body, headers=headers, timeout=60
        )
        if answer.ok:
            return answer.json()
        found = answer.json()
        error = (found[0] if isinstance(found, list) else found)["error"]
        for detail in error.get("details", []):
            if detail.pop("@type").endswith("GoogleAdsFailure"):
                failure = message_of(GoogleAdsFailure, json.dumps(detail))
                context.set_trailing_metadata([(FAILURE_KEY, failure.SerializeToString())])
        return context.abort(CODES.get(error["code"], grpc.StatusCode.INTERNAL), error["message"])

    def search_stream(self, request, context):
        body = json_format.MessageToDict(request)
        path = f"customers/{body.pop('customerId')}/googleAds:searchStream"
        for chunk in self.ask(context, "POST", path, body):
            yield message_of(google_ads_service.SearchGoogleAdsStreamResponse, json.dumps(chunk))

    def search(self, request, context):
        body = json_format.MessageToDict(request)
        path = f"customers/{body.pop('customerId')}/googleAds:search"
        answer = self.ask(context, "POST", path, body)
        return message_of(google_ads_service.SearchGoogleAdsResponse, json.dumps(answer))

    def accessible(self, request, context):
        answer = self.ask(context, "GET", "customers:listAccessibleCustomers")
        kind = customer_service.ListAccessibleCustomersResponse
        return message_of(kind, json.dumps(answer))


def handler(make, call, kind):
    """Return a gRPC handler of messages in the client's protocol."""
    return make(
        call,
        request_deserializer=kind.pb(kind()).FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


def serve(emulator, folder):
    """Start a front; return it and its address."""
    front = Front(emulator)
    ads, customers = google_ads_service, customer_service
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                f"{SERVICES}.GoogleAdsService",
                {
                    "SearchStream": handler(
                        stream, front.search_stream, ads.SearchGoogleAdsStreamRequest
                    ),
                    "Search": handler(unary, front.search, ads.SearchGoogleAdsRequest),
                },
            ),
            grpc.method_handlers_generic_handler(
                f"{SERVICES}.CustomerService",
                {
                    "ListAccessibleCustomers": handler(
                        unary, front.accessible, customers.ListAccessibleCustomersRequest
                    )
                },
            ),
        ]
    )
    credentials = grpc.ssl_server_credentials([self_signed(folder)])
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    return server, f"localhost:{port}"
