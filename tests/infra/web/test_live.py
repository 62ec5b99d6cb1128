"""Live views: so many in all, so many of one caller, and each only as long as its caller may look."""

import asyncio

import pytest

from trimtab.infra.web import LiveViews, Viewer
from trimtab.infra.web.live import TooManyViews


def always(name):
    return Viewer(name, lambda: True)


def following(use):
    """Run the coroutine function with fresh views; end them all afterwards."""

    async def main():
        views = LiveViews()
        try:
            return await use(views)
        finally:
            views.ending.set()

    return asyncio.run(main())


async def opened(views, viewer):
    view = views.follow(lambda _seconds: [1], viewer)
    assert await anext(view) == [1]
    return view


def test_one_caller_cannot_take_all_places():
    async def use(views):
        mine = [await opened(views, always("ann")) for _ in range(8)]
        with pytest.raises(TooManyViews):
            await opened(views, always("ann"))
        theirs = await opened(views, always("bob"))
        await mine[0].aclose()
        again = await opened(views, always("ann"))
        for view in (*mine, theirs, again):
            await view.aclose()

    following(use)


def test_all_callers_together_have_so_many_places():
    async def use(views):
        held = [await opened(views, always(f"caller {n // 8}")) for n in range(32)]
        with pytest.raises(TooManyViews):
            await opened(views, always("one more"))
        for view in held:
            await view.aclose()

    following(use)


def test_a_view_ends_when_its_caller_may_look_no_more():
    async def use(views):
        allowed = [True, True, False]
        view = views.follow(lambda _seconds: [1], Viewer("ann", lambda: allowed.pop(0)))
        return [found async for found in view]

    assert following(use) == [[1], [1]]
