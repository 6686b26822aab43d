"""The course as a site: plain HTML that opens from files, made of the pages and what they lead to.

`markdown` reads the subset of Markdown that the pages are written in, and refuses all else;
`html` writes what was read; `links`, `layout` and `site` make a folder of it.
"""
