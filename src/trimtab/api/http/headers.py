"""Security headers of every response (CSP, HSTS, no caching)."""

# Nothing inline and nothing from elsewhere: what a document smuggles into a page cannot run.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_ENCODED = tuple((name.lower().encode(), value.encode()) for name, value in _HEADERS.items())


def security_headers(hsts_seconds: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers of every response; by default responses are not cached.

    Args:
        hsts_seconds: How long browsers shall insist on HTTPS; 0 leaves the header out.
    """
    if not hsts_seconds:
        return _ENCODED
    return (*_ENCODED, (b"strict-transport-security", f"max-age={hsts_seconds}".encode()))
