"""Follows publications with nothing but docs/generated/asyncapi.yaml: topics, headers and values are what it says.

python3 reader.py <host:port> <group>        pip install kafka-python
"""
import json
import sys

from kafka import KafkaConsumer

brokers, group = sys.argv[1:3]
consumer = KafkaConsumer(
    "annals.publishing.v1",
    bootstrap_servers=brokers,
    group_id=group,
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    isolation_level="read_committed",
)
seen = set()
for record in consumer:
    headers = {name: value.decode() for name, value in record.headers}
    # An id that was seen is no news: an operator may have had records published again.
    if headers["ce_id"] not in seen and headers["ce_type"] == "annals.publishing.article-published.v1":
        article = json.loads(record.value)
        print(article["id"], article["publishedAt"], ",".join(article["tags"]), flush=True)
    seen.add(headers["ce_id"])
    consumer.commit()
