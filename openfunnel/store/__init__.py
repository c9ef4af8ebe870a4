"""PostgreSQL: the truth about boards, answers, postings and extractions."""
