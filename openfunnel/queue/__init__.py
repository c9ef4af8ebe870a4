"""Work in motion, in Redis: leases, start entries, rates, and who is alive.

Redis may be wiped at any moment: what is here can be rebuilt from PostgreSQL.
"""
