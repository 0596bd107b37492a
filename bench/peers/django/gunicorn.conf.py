"""gunicorn's settings."""

import os

wsgi_app = "publication.wsgi"
bind = f"127.0.0.1:{os.environ['PEER_PORT']}"
# `sync` has no keep-alive. On two processors three workers served more than two.
worker_class = "gthread"
workers = 1 + (os.cpu_count() or 1)
threads = 4
keepalive = 75
preload_app = True
loglevel = "warning"
