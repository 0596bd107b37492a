"""Articles as the API shows and takes them."""

from rest_framework import serializers


class PersonSummary(serializers.Serializer):
    id = serializers.IntegerField()
    username = serializers.CharField()
    displayName = serializers.CharField(source="display_name")
    avatarUrl = serializers.CharField(source="avatar_url")


class Author(PersonSummary):
    articleCount = serializers.IntegerField(source="article_count")
    followerCount = serializers.IntegerField(source="follower_count")


class CommentView(serializers.Serializer):
    id = serializers.IntegerField()
    articleId = serializers.IntegerField(source="article_id")
    parentId = serializers.IntegerField(source="parent_id")
    author = PersonSummary()
    content = serializers.CharField()
    createdAt = serializers.DateTimeField(source="created_at")
    isHidden = serializers.BooleanField(source="is_hidden")


class ArticleSummary(serializers.Serializer):
    id = serializers.IntegerField()
    slug = serializers.CharField()
    title = serializers.CharField()
    excerpt = serializers.CharField()
    author = PersonSummary()
    updatedBy = serializers.IntegerField(source="updated_by")
    tags = serializers.ReadOnlyField()
    isPublished = serializers.BooleanField(source="is_published")
    isFeatured = serializers.BooleanField(source="is_featured")
    publishedAt = serializers.DateTimeField(source="published_at")
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")
    likeCount = serializers.IntegerField(source="like_count")
    commentCount = serializers.IntegerField(source="comment_count")
    viewCount = serializers.IntegerField(source="view_count")
    readingMinutes = serializers.IntegerField(source="reading_minutes")
    revision = serializers.IntegerField()
    externalId = serializers.CharField(source="external_id")


class ArticleDetail(ArticleSummary):
    content = serializers.CharField()
    author = Author()
    comments = CommentView(source="newest_comments", many=True)
    isLiked = serializers.BooleanField(source="is_liked")
    isOwner = serializers.SerializerMethodField()

    def get_isOwner(self, article):
        return str(article.author_id) == self.context["request"].user.pk


class ArticleInput(serializers.Serializer):
    title = serializers.RegexField(r"^[^<>]+$", min_length=5, max_length=200)
    content = serializers.CharField(default="", max_length=512 * 1024)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=50), default=list, max_length=20
    )


class PersonInput(serializers.Serializer):
    username = serializers.CharField(max_length=64)
    email = serializers.EmailField()
    password = serializers.CharField(min_length=12, max_length=200)
