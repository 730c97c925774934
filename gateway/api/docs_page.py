"""`/api/v1/docs`: the description of the API as one plain page, made here, with no script and nobody else's files."""

from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.api.problems import TITLES

_pages = Environment(
    loader=PackageLoader("gateway.api", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_POLICY = "default-src 'none'; style-src 'self' 'sha256-{}'; frame-ancestors 'none'; base-uri 'none'"


def _marked(text: str) -> Markup:
    """Return a text with what stands in back quotes as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if at % 2 else escape(piece) for at, piece in enumerate(text.split("`"))
    )


_pages.filters["marked"] = _marked


def page(description: dict[str, Any]) -> HTMLResponse:
    """Return the page of an OpenAPI description."""
    operations = [
        {"path": path, "method": method, **operation}
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    html = _pages.get_template("docs.html").render(
        info=description["info"],
        tags=list(dict.fromkeys(tag for one in operations for tag in one["tags"])),
        operations=operations,
        schemas=dict(sorted(description["components"]["schemas"].items())),
        scopes=description["components"]["securitySchemes"]["key"]["description"].splitlines(),
        problems=TITLES,
        type_of=_type_of,
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": _policy(html)})


def _policy(html: str) -> str:
    import base64
    import hashlib

    style = html.partition("<style>")[2].partition("</style>")[0]
    return _POLICY.format(base64.b64encode(hashlib.sha256(style.encode()).digest()).decode())


def _type_of(schema: dict[str, Any]) -> str:
    """Return a schema in a few words."""
    if ref := schema.get("$ref"):
        return str(ref).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type_of(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(str(one) for one in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"names to {_type_of(schema['additionalProperties'])}"
    return str(schema.get("format", kind))
