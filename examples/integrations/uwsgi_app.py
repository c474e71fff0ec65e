"""A WSGI application under uWSGI: uwsgi --enable-threads --master --processes 2
--http-socket 127.0.0.1:8000 --module uwsgi_app:app"""

from __future__ import annotations

from wsgi import app  # type: ignore[import-not-found, unused-ignore]  # noqa: F401

from ops_service.integrations import uwsgi

uwsgi.install()
