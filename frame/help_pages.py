"""Help pages, searchable, in the reader's language."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from frame.topics import TOPICS, search

LONGEST_QUERY = 100


def index(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_QUERY]
    context = {"query": query, "hits": search(query), "topics": TOPICS.values()}
    return render(request, "help/index.html", context)


def topic(request: HttpRequest, slug: str) -> HttpResponse:
    found = TOPICS.get(slug)
    if found is None:
        raise Http404
    return render(request, "help/topic.html", {"topic": found, "topics": TOPICS.values()})


def keyboard(request: HttpRequest) -> HttpResponse:
    """Where the list of keys is without script."""
    return redirect("help_topic", slug="keys")
