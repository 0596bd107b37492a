"""The routes, under the paths that Annals has for them."""

from django.conf import settings
from django.urls import path
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers

from . import views


def cached(view):
    """As REST framework's guide to caching has it: per caller and by the clock."""
    if not settings.CACHE_SECONDS:
        return view
    return cache_page(settings.CACHE_SECONDS)(vary_on_headers("Authorization")(view))


urlpatterns = [
    path("v1/users", views.People.as_view()),
    path("v1/sessions", views.Sessions.as_view()),
    path("v1/articles", cached(views.Articles.as_view())),
    path("v1/articles/<str:key>", cached(views.OneArticle.as_view())),
    path("v1/articles/<int:key>/publish", views.Publish.as_view()),
    path("v1/articles/<int:key>/like", views.Likes.as_view()),
]
