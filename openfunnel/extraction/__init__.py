"""From a posting's text to fields: rules or a model, the worker, the reaper."""
