"""The local web page: a server of the standard library, workers that are watched, and one page (docs/web.md)."""
