"""People and articles. Counters are columns, kept by what changes what they count."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models.functions import Lower


class Person(AbstractBaseUser):
    username = models.CharField(max_length=64, unique=True)
    email = models.EmailField(unique=True)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    avatar_url = models.URLField(null=True)
    article_count = models.IntegerField(default=0)
    follower_count = models.IntegerField(default=0)

    USERNAME_FIELD = "username"
    objects = BaseUserManager()

    class Meta:
        db_table = "person"

    @property
    def display_name(self):
        return f"{self.first_name} {self.last_name}".strip() or self.username


class Article(models.Model):
    author = models.ForeignKey(Person, models.CASCADE)
    updated_by = models.BigIntegerField(null=True)
    title = models.CharField(max_length=200)
    slug = models.CharField(max_length=100, unique=True)
    content = models.TextField()
    excerpt = models.TextField()
    tags = ArrayField(models.CharField(max_length=50), default=list)
    is_published = models.BooleanField(default=False)
    is_featured = models.BooleanField(default=False)
    published_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    like_count = models.IntegerField(default=0)
    comment_count = models.IntegerField(default=0)
    view_count = models.IntegerField(default=0)
    reading_minutes = models.IntegerField(default=0)
    revision = models.IntegerField(default=0)
    external_id = models.CharField(max_length=200, null=True)
    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="english")
        + SearchVector("content", weight="D", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        db_table = "article"
        constraints = [
            models.UniqueConstraint("author", Lower("title"), name="one_title"),
        ]
        indexes = [
            models.Index(
                fields=["-published_at", "-id"],
                name="newest",
                condition=models.Q(is_published=True),
            ),
            GinIndex(fields=["search"], name="searched"),
        ]


class Comment(models.Model):
    article = models.ForeignKey(
        Article, models.CASCADE, related_name="comments", db_index=False
    )
    author = models.ForeignKey(Person, models.CASCADE)
    parent_id = models.BigIntegerField(null=True)
    content = models.TextField()
    is_hidden = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "comment"
        indexes = [
            models.Index(fields=["article", "-created_at"], name="newest_comments")
        ]


class Like(models.Model):
    article = models.ForeignKey(Article, models.CASCADE, db_index=False)
    person = models.ForeignKey(Person, models.CASCADE)

    class Meta:
        db_table = "liked"
        constraints = [
            models.UniqueConstraint(
                fields=["article", "person"], name="once_per_person"
            )
        ]


class Counter(models.Model):
    """How many articles are published: counting takes longer than a page does."""

    name = models.CharField(max_length=20, primary_key=True)
    count = models.IntegerField(default=0)

    class Meta:
        db_table = "counter"
