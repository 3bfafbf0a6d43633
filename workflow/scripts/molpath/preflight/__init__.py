"""Checks before a long run: its plan, software, machine, storage and inputs. It changes nothing."""
