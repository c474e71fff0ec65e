"""What a principal may do, and which certificates are rejected."""

from __future__ import annotations

from ops_service.call import matches
from ops_service.config.model import Config
from ops_service.errors import CertificateOutOfDate, PermissionDenied, Unauthenticated
from ops_service.gate.principal import PROXY, AuthContext, Principal, identify, presented_values
from ops_service.tls.authorities import Trust
from ops_service.tls.revocation import Revocation
from ops_service.tls.validity import Validities, wall_time


class Authorization:
    """The grants of a configuration, and the rejected certificates. Immutable."""

    def __init__(
        self,
        config: Config,
        revocation: Revocation,
        trust: Trust | None = None,
        validities: Validities | None = None,
    ) -> None:
        """
        Args:
            trust: The current authorities, if they may differ from those of the
                handshake.
            validities: Reads validity periods of certificates. By default, without
                authorities.
        """
        self._revocation = revocation
        self._trust = trust
        self._validities = Validities() if validities is None else validities
        self._trust_domains = frozenset(config.authorization.trust_domains)
        self._grants = {
            (g.principal.lower() if g.principal.startswith("dns:") else g.principal): frozenset(
                g.capabilities
            )
            for g in config.grants
        }
        self._operations = {
            (g.principal.lower() if g.principal.startswith("dns:") else g.principal): g.operations
            for g in config.grants
        }

    def identify(self, auth_context: AuthContext) -> Principal:
        """Identify the peer. See `identify`."""
        return identify(auth_context, self._trust_domains)

    def capabilities(self, principal: Principal) -> frozenset[str]:
        """The principal's capabilities, besides those of every authenticated peer."""
        return self._granted(principal) or frozenset()

    def refuse_outdated(self, auth_context: AuthContext) -> None:
        """Raise if a certificate of the peer is not valid by the clock now.

        The time of the handshake does not matter. If a proxy does not pass on the
        certificate, only the proxy can check this.

        Raises:
            CertificateOutOfDate: A certificate expired, or is not valid yet.
            Unauthenticated: A certificate cannot be read, or gRPC does not show all of
                them.
        """
        certificate = next(iter(auth_context["x509_pem_cert"]))
        if not certificate and PROXY not in auth_context:
            raise Unauthenticated(
                "The server saw an empty client certificate; connect again, in a full handshake."
            )
        try:
            found = self._validities.read(certificate, auth_context.get("x509_pem_cert_chain", ()))
        except ValueError as error:
            raise Unauthenticated(
                f"The validity of the client certificate cannot be read: {error}. Ask its "
                "issuer for one that follows RFC 5280."
            ) from None
        if not found.complete and "true" in presented_values(auth_context, "ssl_session_reused"):
            raise Unauthenticated(
                "The server does not see the issuers of the certificate of a resumed TLS "
                "session; connect again, in a full handshake."
            )
        if problem := found.problem(wall_time()):
            raise CertificateOutOfDate(
                f"{problem} Connect again with certificates that are valid now.",
                details={"certificate": "out of date"},
            )

    def refuse_revoked(self, auth_context: AuthContext) -> None:
        """Raise if the peer's certificate is no longer accepted.

        Raises:
            PermissionDenied: It was revoked, its serial number is denied, or its authority
                was removed since the handshake.
        """
        certificate = next(iter(auth_context["x509_pem_cert"]))
        problem = self._revocation.problem(certificate)
        chain = auth_context.get("x509_pem_cert_chain", ())
        if not problem and self._trust is not None and not self._trust.holds(certificate, chain):
            problem = "The authority of the certificate is no longer accepted here."
        if problem:
            raise PermissionDenied(
                f"{problem} Ask its issuer for another.", details={"certificate": "revoked"}
            )

    def _granted(self, principal: Principal) -> frozenset[str] | None:
        return self._grants.get(self._grant_name(principal))

    def _grant_name(self, principal: Principal) -> str:
        """The principal of the grant that applies. Empty if none does."""
        if not principal.name or principal.name in self._grants:
            return principal.name
        # A wildcard matches one segment of a URI. An exact grant takes precedence.
        head, slash, last = principal.name.rpartition("/")
        wildcard = f"{head}/*"
        return wildcard if slash and last and wildcard in self._grants else ""

    def operations(self, principal: Principal) -> tuple[str, ...]:
        """Patterns of the operations that the principal's grant lists."""
        return self._operations.get(self._grant_name(principal), ())

    def require_operation(self, principal: Principal, operation: str) -> None:
        """Raise if the principal's grant does not list an operation of the application.

        Raises:
            PermissionDenied: It is not listed. Does not reveal whether the operation exists.
        """
        if not operation or not matches(self.operations(principal), operation):
            raise PermissionDenied(
                f"The server saw {principal.name}, which has no grant of the operation "
                f"{operation[:200]}; list it under operations.",
                details={"principal": principal.name, "missing_operation": operation[:200]},
            )

    def may_evaluate(self, name: str) -> bool:
        """Whether the principal of this name holds EVALUATE."""
        return bool(name) and "EVALUATE" in self._grants.get(name, ())

    def require(self, principal: Principal, capability: str, purpose: str) -> None:
        """Raise if the principal does not hold the capability.

        Args:
            capability: A name of ``Capability`` without its prefix.
            purpose: What needs it, for the message.

        Raises:
            PermissionDenied: Names the principal that the server saw, and what is missing.
        """
        if capability == "AUTHENTICATED" or capability in self.capabilities(principal):
            return
        if principal.name:
            known = self._granted(principal) is not None
            seen = f"The server saw {principal.name}, which has " + (
                f"no grant of {capability}" if known else "no grant"
            )
        else:
            seen = f"The server saw no usable name: {principal.problem[0].lower()}"
            seen += principal.problem[1:].rstrip(".")
        raise PermissionDenied(
            f"{purpose} needs the capability {capability}. {seen}.",
            details={"principal": principal.name, "missing_capability": capability},
        )
