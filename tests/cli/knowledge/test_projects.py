"""`projects create` against a service."""


def test_a_new_project_is_told_apart_from_one_that_exists(trimtab):
    first, second = (trimtab("projects", "create", "harbour") for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    assert first.out == "Created the project harbour.\n"
    assert second.out == "The project harbour exists already; it is left as it is.\n"


def test_json_says_whether_the_project_is_new(trimtab):
    created = [trimtab("projects", "create", "h", "--json").json["created"] for _ in range(2)]
    assert created == [True, False]
