"""A FastAPI application: python -m uvicorn --workers 2 fastapi_app:app"""

from __future__ import annotations

from fastapi import FastAPI

from ops_service.integrations import asgi

app = FastAPI(lifespan=asgi.lifespan())


@app.get("/")
async def hello() -> dict[str, str]:
    """Answer a request."""
    return {"hello": "world"}
