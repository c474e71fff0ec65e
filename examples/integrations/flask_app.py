"""A Flask application: python -m flask --app flask_app run"""

from __future__ import annotations

from flask import Flask

from ops_service.integrations import flask

app = Flask(__name__)
flask.init_app(app)


@app.get("/")
def hello() -> str:
    """Answer a request."""
    return "hello\n"
