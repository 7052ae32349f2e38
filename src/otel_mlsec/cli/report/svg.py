"""A figure of matplotlib -> SVG to stand in a page: no style of its own, no id twice, colours by class so that themes apply."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any
from xml.etree import ElementTree as tree

# Stand-ins that are drawn with, and what the style sheet calls them; matplotlib writes them out as they are.
COLOURS = {
    "reference": "#010101", "current": "#020202", "ink": "#030303", "faint": "#040404", "line": "#050505",
    "low": "#060606", "medium": "#070707", "high": "#080808", "critical": "#090909", "none": "#0a0a0a",
}  # fmt: skip
_BY_COLOUR = {colour: name for name, colour in COLOURS.items()}
_OWN = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_ID = re.compile(r"#([\w-]+)")
_SIZE = re.compile(r"([\d.]+)px")
DROPPED = ("metadata", "style")


def svg(figure: Any, said: str, prefix: str) -> str:
    """`said` is what a screen reader says; `prefix` tells the ids of one figure from those of others on the page."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that its own font lacks: the browser's has it
        figure.savefig(
            out, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    root = tree.fromstring(out.getvalue())  # our own: matplotlib has just written it
    _clean(root, prefix)
    root.attrib.pop("version", None)
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    root.attrib |= {"role": "img", "aria-label": said, "class": "chart"}
    return tree.tostring(root, encoding="unicode", short_empty_elements=True)


def _clean(element: tree.Element, prefix: str) -> None:
    element.tag = element.tag.removeprefix(_OWN)
    for child in list(element):
        if child.tag.removeprefix(_OWN) in DROPPED:
            element.remove(child)
        else:
            _clean(child, prefix)
    for child in [child for child in element if child.tag == "defs" and not len(child)]:
        element.remove(child)
    kept: dict[str, str] = {}
    classes: list[str] = []
    for key, value in element.attrib.items():
        if key == "style":
            for pair in value.split(";"):
                name, _, said = (part.strip() for part in pair.partition(":"))
                if said:
                    _style(name, said, kept, classes)
        elif key == _HREF:
            kept["href"] = _ID.sub(rf"#{prefix}\1", value)
        elif key == "id":
            if element.tag in ("path", "clipPath", "use"):  # groups are only named
                kept["id"] = prefix + value
        elif key in ("fill", "stroke"):
            _style(key, value, kept, classes)
        else:
            kept[key] = _ID.sub(rf"#{prefix}\1", value) if "url(" in value else value
    if classes:
        kept["class"] = " ".join(classes)
    element.attrib.clear()
    element.attrib.update(kept)
    if element.tail is not None and not element.tail.strip():
        element.tail = None
    if element.tag != "text" and element.text is not None and not element.text.strip():
        element.text = None


def _style(name: str, said: str, kept: dict[str, str], classes: list[str]) -> None:
    """Style attributes are forbidden by the page's own policy; all of these are attributes of SVG as well."""
    if name in ("fill", "stroke") and said in _BY_COLOUR:
        classes.append(f"{name}-{_BY_COLOUR[said]}")
    elif name == "font":
        size = _SIZE.search(said)
        kept["font-size"] = size.group(1) if size else "10"
    elif name == "font-family":
        return
    else:
        kept[name] = said
