"""Values as people write them, made comparable: one domain a module, pure functions."""
