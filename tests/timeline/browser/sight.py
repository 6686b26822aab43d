"""What a reader sees of a page: where each piece of text stands, on what, and how well.

Measured in the browser itself, on pixels where it is about colours: hatches, bars and lines
that lie under a text count, whatever drew them.
"""

import base64
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["Text", "faint", "overlapping", "texts_of", "unroll"]

# Each line of each text node that is painted, with the rectangle of its glyphs.
_COLLECT: Final = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.data.trim() || !parent.checkVisibility({checkVisibilityCSS: true}))
      continue;
    if (parent.closest("script, style, template, title, desc, defs"))
      continue;
    const style = getComputedStyle(parent);
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects())
      if (box.width > 2 && box.height > 2)
        found.push({
          text: node.data.trim(), drawn: parent.ownerSVGElement !== null,
          left: box.left + scrollX, top: box.top + scrollY, width: box.width, height: box.height,
          colour: parent.ownerSVGElement ? style.fill : style.color,
        });
  }
  return found;
}"""

# A drawing may stand in the page once and be shown many times: each becomes one of its own.
_SHOW_EACH_USE: Final = """() => document.querySelectorAll("svg use").forEach((use) => {
  const shown = document.querySelector(use.getAttribute("href")).cloneNode(true);
  const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
  for (const {name, value} of use.attributes)
    if (!["x", "y", "href"].includes(name)) group.setAttribute(name, value);
  const at = [use.x.baseVal.value, use.y.baseVal.value];
  group.setAttribute("transform", `${use.getAttribute("transform") || ""} translate(${at})`);
  shown.removeAttribute("id");
  group.append(shown);
  use.replaceWith(group);
})"""

# A constructed sheet is not subject to the page's own policy.
_HIDE_TEXT: Final = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*{color:transparent!important}text,tspan{fill:transparent!important}");
  document.adoptedStyleSheets = [sheet];
}"""

# WCAG 2.2, "relative luminance" and "contrast ratio"; the tenth worst of a hundred pixels.
_CONTRASTS: Final = """async ([png, texts]) => {
  const file = await (await fetch("data:image/png;base64," + png)).blob();
  const picture = await createImageBitmap(file), pixels = {willReadFrequently: true};
  const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d", pixels);
  canvas.drawImage(picture, 0, 0);
  const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const part = (byte) => linear(byte / 255);
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  return texts.map(({left, top, width, height, colour}) => {
    const ink = light(colour.match(/[\\d.]+/g).map(Number));
    // The ink of a line is in the middle of its box.
    const {data} = canvas.getImageData(left, top + height / 4, width, height / 2);
    const ratios = [];
    for (let i = 0; i < data.length; i += 4) {
      const paper = light(data.subarray(i, i + 3));
      ratios.push((Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05));
    }
    return ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 10)];
  });
}"""


@dataclass(frozen=True)
class Text:
    """A line of a piece of text, in CSS pixels from the page's upper left corner."""

    text: str
    drawn: bool
    """Whether it belongs to the picture."""
    left: float
    top: float
    width: float
    height: float
    colour: str

    def overlaps(self, other: "Text", slack: float = 1.0) -> bool:
        """Whether more than `slack` pixels of both lie on each other, either way."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        # Boxes of glyphs have room above and below, where lines that follow may reach.
        return across > slack and down > 0.25 * min(self.height, other.height) + slack


def unroll(page: "Page") -> None:
    """Scroll everything to its beginning, in a window as high as the page: nothing sticks."""
    size = page.viewport_size
    assert size is not None
    for _ in range(2):  # what is given in parts of the window's height grows with it
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": height})
    page.evaluate("document.querySelectorAll('*').forEach((each) => each.scrollTo(0, 0))")
    page.evaluate(_SHOW_EACH_USE)


def texts_of(page: "Page") -> list[Text]:
    """All text that is shown, in the order of the document."""
    return [Text(**found) for found in page.evaluate(_COLLECT)]


def overlapping(texts: list[Text]) -> list[tuple[str, str]]:
    """Pairs of texts that stand on each other."""
    pairs = []
    ordered = sorted(texts, key=lambda text: text.left)
    for number, text in enumerate(ordered):
        for other in ordered[number + 1 :]:
            if other.left > text.left + text.width:
                break
            if text.overlaps(other):
                pairs.append((text.text, other.text))
    return pairs


def faint(page: "Page", least: float = 4.5) -> list[tuple[str, float]]:
    """Texts that do not stand out against nine tenths of what lies under them, with how well.

    4.5 is what WCAG 2.2 asks for; 1 is invisible. The page has to be unrolled, and what has to
    be scrolled to from the side is not judged.
    """
    size = page.viewport_size
    assert size is not None
    texts = [text for text in texts_of(page) if text.left + text.width <= size["width"]]
    page.evaluate(_HIDE_TEXT)
    png = base64.b64encode(page.screenshot(full_page=True)).decode()
    browser = page.context.browser
    assert browser is not None
    blank = browser.new_page()
    wanted = [asdict(text) for text in texts]
    ratios = blank.evaluate(_CONTRASTS, [png, wanted])
    blank.close()
    page.evaluate("document.adoptedStyleSheets = []")
    return [
        (text.text, round(ratio, 2))
        for text, ratio in zip(texts, ratios, strict=True)
        if ratio < least
    ]
