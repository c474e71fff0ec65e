"""A Django site in one file: python manage.py runserver --noreload"""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=["ops_service.integrations.django.OpsServiceConfig"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for an example",
)


def hello(request: HttpRequest) -> HttpResponse:
    """Answer a request."""
    return HttpResponse("hello\n")


urlpatterns = [path("", hello)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
