"""The operator API: one module per resource. Routes are listed in docs/api.md."""
