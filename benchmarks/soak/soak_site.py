"""A Django site with sessions, a database and templates, served by gunicorn in a soak."""

from __future__ import annotations

import os

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SOAK_DATABASE"]}
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.middleware.common.CommonMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for a soak",
    SESSION_COOKIE_AGE=60,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

PAGE = (
    "<ul>{% for row in rows %}<li>{{ row.name|title }}: {{ row.price|floatformat:2 }}</li>"
    "{% endfor %}</ul>"
)


def page(request: HttpRequest) -> HttpResponse:
    """Render a list, and note the visit in the session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    rows = [{"name": f"item {number}", "price": number * 1.25} for number in range(20)]
    return HttpResponse(engines["django"].from_string(PAGE).render({"rows": rows}, request))


def visits(request: HttpRequest) -> HttpResponse:
    """Delete expired sessions, and return the number of the others."""
    from django.contrib.sessions.models import Session

    call_command("clearsessions")
    return JsonResponse({"sessions": Session.objects.count()})


def failing(request: HttpRequest) -> HttpResponse:
    """Raise an exception, as any site does from time to time."""
    raise ValueError(f"no such item as {request.GET.get('number')}")


urlpatterns = [path("", page), path("visits", visits), path("failing", failing)]
application = get_wsgi_application()

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
