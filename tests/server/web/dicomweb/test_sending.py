"""What goes out: in little memory, whatever its size, and never longer than a chunk at a time."""

import asyncio
import tracemalloc

from starlette.requests import Request

from skiagraph.server.web.dicomweb.sending import Part, Span, answered, in_parts, tag_of

SIZE, FILES = 8 * 2**20, 6


def asking(**headers):
    said = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": said, "method": "GET", "path": "/"})


async def drained(response):
    total = longest = 0
    async for chunk in response.body_iterator:
        total += len(chunk)
        longest = max(longest, len(chunk))
    return total, longest


def test_a_study_goes_out_in_memory_that_does_not_grow_with_it(site):
    digests = [site.files.put(bytes([number]) * SIZE) for number in range(FILES)]
    parts = [Part(media="a/b", pieces=[Span(digest=one, begin=0, size=SIZE)]) for one in digests]
    pieces, media = in_parts(parts, "a/b", tag_of(*digests))
    tracemalloc.start()
    response = answered(asking(), site.files, pieces, media, tag_of(*digests))
    total, longest = asyncio.run(drained(response))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == int(response.headers["content-length"]) > FILES * SIZE
    assert longest <= 2 * 2**20
    assert peak < SIZE


def test_a_range_across_files_is_cut_where_it_is_asked_for(site):
    digests = [site.files.put(bytes([number]) * 10) for number in range(3)]
    pieces = [Span(digest=digests[0], begin=2, size=8), b"-", Span(digest=digests[1], begin=0, size=10)]
    part = answered(asking(range="bytes=6-11"), site.files, pieces, "a/b", '"tag"')
    assert (part.status_code, part.body) == (206, b"\0\0-\1\1\1")
    other = answered(asking(range="bytes=6-11", if_range='"other"'), site.files, pieces, "a/b", '"tag"')
    assert (other.status_code, len(other.body)) == (200, 19)
