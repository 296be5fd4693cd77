"""The state database: what must be looked up by key. SQLite or PostgreSQL, by URL.

Every table but the feed states and the outbox (which ``salvage`` keeps a second time) is
a cache of a fold over partitions: rows carry the partition that wrote them, are never
updated, and are replaced whole when that partition is made again.
"""
