"""Types of the config's sections as functions receive them: plain dicts, with keys and values known to mypy.

One module per section, so that a key added to one section changes the code digest of the stages that read it and of
no other. tests/unit/common/test_settings.py compares each type with workflow/schemas/config.schema.yaml.
"""
