"""A sign-in provider that signs in anyone as the person it was given: OpenID Connect without a form."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "stock-page"
SECRETS = """
[auth]
redirect_uri = "{page}/oauth2callback"
cookie_secret = "signs the cookies of these tests alone"
client_id = "CLIENT"
client_secret = "secret"
server_metadata_url = "PROVIDER/.well-known/openid-configuration"
"""


@dataclass
class Provider:
    """The provider; `claims` says who comes next."""

    claims: dict[str, Any] = field(default_factory=dict)
    address: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1", "use": "sig"}))
    nonces: dict[str, str] = field(default_factory=dict)

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def secrets(self) -> str:
        """Streamlit's secrets for a page that signs in here; `{page}` in them is the page's address."""
        return SECRETS.replace("CLIENT", CLIENT).replace("PROVIDER", self.address)

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes back to."""
        code = f"code-{len(self.nonces)}"
        self.nonces[code] = asked.get("nonce", "")
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, code: str) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "sub": "17", "iat": now, "exp": now + 600}
        claims |= {"nonce": self.nonces[code]} | self.claims
        identity = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        return {"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": identity}


@contextmanager
def sign_in_provider() -> Iterator[Provider]:
    """Run a provider on this machine."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(asked.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.end_headers()
            elif asked.path == "/keys":
                self._json({"keys": [provider.key.as_dict(private=False)]})
            else:
                self._json(provider.metadata())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._json(provider.token(form["code"][0]))

        def _json(self, body: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield provider
        server.shutdown()
