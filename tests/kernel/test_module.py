"""A module publishes nothing but what its domain gives it."""

from dataclasses import fields, replace

from trimtab.kernel.module import Module


def test_a_domain_publishes_only_what_it_names():
    module = Module("tank", object())
    assert all(getattr(module, field.name) == () for field in fields(module)[2:])


def test_two_modules_never_share_what_they_publish():
    module = Module("tank", object())
    fuller = replace(module, start=(lambda: None,))
    assert (len(fuller.start), module.start) == (1, ())
