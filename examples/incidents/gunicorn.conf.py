"""Configuration of gunicorn: python -m gunicorn -c gunicorn.conf.py leaky_wsgi:app"""

from ops_service.integrations.gunicorn import post_fork, worker_exit  # noqa: F401

workers = 2
bind = "127.0.0.1:8000"
