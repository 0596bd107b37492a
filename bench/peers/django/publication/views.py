"""Views of articles, and what it takes to have a token."""

import html
from functools import cached_property

import nh3
from django.contrib.auth import authenticate
from django.contrib.postgres.search import SearchQuery, SearchRank
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.shortcuts import get_object_or_404
from django.utils.html import strip_tags
from django.utils.text import slugify
from django.utils.timezone import now
from rest_framework import exceptions, generics, pagination, permissions, status
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken

from .models import Article, Counter, Like, Person
from .serializers import ArticleDetail, ArticleInput, ArticleSummary, PersonInput

PUBLISHED = "published"
TAGS = set("p br strong em u a ul ol li b i h2 h3 blockquote code pre img".split())
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt"}}
IN_LISTS = [field for field in ArticleSummary().fields if field != "author"]
COLUMNS = [ArticleSummary().fields[field].source for field in IN_LISTS]
AUTHOR = [
    f"author__{column}"
    for column in ("username", "first_name", "last_name", "avatar_url")
]
PRIVATE = ["author__password", "author__email", "author__last_login"]


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT


class CountedPaginator(Paginator):
    """Reads the counter where everything published is listed; searches are counted."""

    @cached_property
    def count(self):
        if getattr(self.object_list, "is_whole", False):
            counts = Counter.objects.filter(pk=PUBLISHED).values_list(
                "count", flat=True
            )
            return counts.first() or 0
        return self.object_list.count()


class Pages(pagination.PageNumberPagination):
    django_paginator_class = CountedPaginator
    page_size = 20
    page_size_query_param = "pageSize"
    max_page_size = 100


class Articles(generics.ListAPIView):
    serializer_class = ArticleSummary
    pagination_class = Pages

    def get_queryset(self):
        articles = (
            Article.objects.filter(is_published=True)
            .select_related("author")
            .only(*COLUMNS, *AUTHOR)
        )
        search = self.request.query_params.get("search")
        if not search:
            newest = articles.order_by("-published_at", "-id")
            newest.is_whole = True
            return newest
        query = SearchQuery(search, config="english", search_type="websearch")
        return (
            articles.filter(search=query)
            .annotate(rank=SearchRank(F("search"), query))
            .order_by("-rank", "-id")
        )

    def post(self, request):
        form = ArticleInput(data=request.data)
        form.is_valid(raise_exception=True)
        article = create_article(request.user.pk, form.validated_data)
        return Response(
            {"id": article.pk, "revision": article.revision},
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/v1/articles/{article.pk}"},
        )


def create_article(author_id, data):
    """A draft. An author's titles are unique; a slug that is taken gets a number."""
    content = nh3.clean(data["content"], tags=TAGS, attributes=ATTRIBUTES)
    text = " ".join(html.unescape(strip_tags(content)).split())
    slug = slugify(data["title"])[:80] or "article"
    for candidate in (slug, f"{slug}-2", f"{slug}-3"):
        try:
            return Article.objects.create(
                author_id=author_id,
                title=data["title"],
                slug=candidate,
                content=content,
                excerpt=text[:280],
                tags=data["tags"],
                reading_minutes=-(-text.count(" ") // 200),
            )
        except IntegrityError as error:
            if "one_title" in str(error):
                raise Conflict("title-taken") from error
    raise Conflict("slug-taken")


class OneArticle(generics.RetrieveAPIView):
    serializer_class = ArticleDetail

    def get_object(self):
        me, key = self.request.user.pk, self.kwargs["key"]
        liked = Like.objects.filter(article=OuterRef("pk"), person=me)
        articles = (
            Article.objects.filter(Q(is_published=True) | Q(author=me))
            .select_related("author")
            .defer("search", *PRIVATE)
            .annotate(is_liked=Exists(liked))
        )
        by_key = Q(pk=key) if key.isdigit() else Q(slug=key)
        article = get_object_or_404(articles, by_key)
        comments = article.comments.select_related("author").defer(*PRIVATE)
        article.newest_comments = comments.order_by("-created_at")[:10]
        return article


class Publish(APIView):
    @transaction.atomic
    def post(self, request, key):
        mine = Article.objects.filter(pk=key, author=request.user.pk)
        if mine.filter(is_published=False).update(
            is_published=True, published_at=now(), revision=F("revision") + 1
        ):
            count = F("article_count") + 1
            Person.objects.filter(pk=request.user.pk).update(article_count=count)
            Counter.objects.update_or_create(
                pk=PUBLISHED,
                defaults={"count": F("count") + 1},
                create_defaults={"count": 1},
            )
        elif not mine.exists():
            raise exceptions.NotFound
        return Response({"id": key})


class Likes(APIView):
    permission_classes = [permissions.IsAuthenticated]

    def put(self, request, key):
        try:
            with transaction.atomic():
                self.count(key, 1)
                Like.objects.create(article_id=key, person_id=request.user.pk)
        except IntegrityError:
            pass  # Liking twice is liking once.
        return Response({"id": key})

    @transaction.atomic
    def delete(self, request, key):
        gone, _ = Like.objects.filter(article=key, person=request.user.pk).delete()
        self.count(key, -gone)
        return Response({"id": key})

    def count(self, key, change):
        shown = Article.objects.filter(pk=key, is_published=True)
        if not shown.update(like_count=F("like_count") + change):
            raise exceptions.NotFound


class People(APIView):
    permission_classes = [permissions.AllowAny]

    def post(self, request):
        form = PersonInput(data=request.data)
        form.is_valid(raise_exception=True)
        person = Person(**form.validated_data)
        person.set_password(form.validated_data["password"])
        person.save()
        return Response({"id": person.pk}, status=status.HTTP_201_CREATED)


class Sessions(APIView):
    permission_classes = [permissions.AllowAny]

    def post(self, request):
        login, password = request.data.get("login"), request.data.get("password")
        person = authenticate(request, username=login, password=password)
        if person is None:
            raise exceptions.AuthenticationFailed
        token = AccessToken.for_user(person)
        return Response({"accessToken": str(token)}, status=status.HTTP_201_CREATED)
