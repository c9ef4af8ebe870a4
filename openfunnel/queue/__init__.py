"""Work in motion, in Redis: leases, start entries, how hosts are doing, and who is alive.

Redis may be wiped at any moment: what is here can be rebuilt from PostgreSQL.
"""
