// Without this a page has the first part of the picture and the whole story. With it: the other
// parts when they are asked for, one turn's story at a time, keys, and an address for each turn.
"use strict";
document.documentElement.classList.add("js");
addEventListener("DOMContentLoaded", () => {
  const picture = document.getElementById("picture");
  const list = document.querySelector("#story ol");
  const whole = document.querySelector("#story button");
  const overview = document.getElementById("overview");
  const size = Number(picture.dataset.size);
  const later = (selector) => [...document.querySelectorAll(selector)].map((part) => part.textContent);
  const pictures = [picture.innerHTML, ...later("script.part")];
  const stories = [list.innerHTML, ...later("noscript.part").map((part) => part.replace(/<\/?ol>/g, ""))];
  const anchors = stories.flatMap((story) => [...story.matchAll(/<li id="([\w-]+)"/g)].map((li) => li[1]));
  const places = overview ? overview.dataset.places.split(",").map(Number) : [];
  let at = -1;
  let shown = 0;

  const isWhole = () => document.documentElement.classList.contains("all");
  const links = (within) => [...within.querySelectorAll(".numbers a")];
  const tell = () => (list.innerHTML = isWhole() ? stories.join("") : stories[shown]);

  function show(part) {
    if (part === shown) return;
    shown = part;
    picture.innerHTML = pictures[part];
    if (!isWhole()) tell();
  }

  function mark(link) {
    for (const old of document.querySelectorAll(".on")) old.classList.remove("on");
    for (const old of picture.querySelectorAll(".frame")) old.remove();
    // One stop for the Tab key; from there on the arrow keys lead.
    for (const other of links(picture)) {
      other.setAttribute("tabindex", other === link ? 0 : -1);
      other.removeAttribute("aria-current");
    }
    link.setAttribute("aria-current", "true");
    document.getElementById(anchors[at]).classList.add("on");
    const grid = link.closest(".grid");
    grid.querySelector(".wedges").children[links(grid).indexOf(link)].classList.add("on");
    const back = link.querySelector("rect");
    const frame = document.createElement("div");
    frame.className = "frame";
    frame.style.left = `${back.getAttribute("x")}px`;
    frame.style.top = `${back.getAttribute("y")}px`;
    frame.style.width = `${back.getAttribute("width")}px`;
    grid.append(frame);
  }

  function reveal() {
    const frame = picture.querySelector(".frame");
    if (!frame) return;
    const strip = frame.closest(".strip");
    const left = strip.querySelector(".names").getBoundingClientRect().right;
    const box = frame.getBoundingClientRect();
    const isOut = box.left < left || box.right > strip.getBoundingClientRect().right;
    if (isOut) strip.scrollLeft += box.left - left - 8;
    strip.scrollIntoView({ block: "nearest" });
    // Of what is higher than the window, the top.
    scrollBy(0, Math.min(0, strip.getBoundingClientRect().top - 10));
    whole.closest("section").scrollTop = 0;
  }

  function select(place) {
    at = place;
    show(Math.floor(at / size));
    const link = links(picture)[at - shown * size];
    mark(link);
    reveal();
    if (!overview) return;
    const piece = places.findIndex((other) => other >= at);
    const here = overview.querySelector(".here");
    here.setAttribute("x", piece < 0 ? places.length - 1 : piece);
    here.setAttribute("width", 1);
  }

  function go(place) {
    if (!(place in anchors)) return;
    select(place);
    links(picture)[at - shown * size].focus({ preventScroll: true });
    history.replaceState(null, "", `#${anchors[at]}`);
  }

  function follow() {
    const anchor = location.hash.slice(1);
    if (!/^turn-\d+(-\d+)?$/.test(anchor)) return;
    const number = (other) => parseInt(other.slice(5), 10);
    const exact = anchors.indexOf(anchor);
    // A turn that was folded into others is where these are.
    const place = exact < 0 ? anchors.findLastIndex((other) => number(other) <= number(anchor)) : exact;
    if (place >= 0) select(place);
  }

  // Columns are as wide as their links, and wedges stand in the same order.
  function linkAt(target, x) {
    const grid = target.closest(".grid");
    if (!grid || target.closest("a")) return target.closest('a[href^="#turn-"]');
    if (target.closest(".wedges")) return links(grid)[[...target.parentElement.children].indexOf(target)];
    return target.closest(".lanes") && links(grid).find((link) => x < link.getBoundingClientRect().right);
  }

  document.addEventListener("click", (event) => {
    const link = linkAt(event.target, event.clientX);
    if (!link) return;
    event.preventDefault();
    go(anchors.indexOf(link.getAttribute("href").slice(1)));
  });
  overview?.addEventListener("click", (event) => {
    const box = overview.getBoundingClientRect();
    go(places[Math.floor(((event.clientX - box.left) / box.width) * places.length)]);
  });
  whole.addEventListener("click", () => {
    whole.setAttribute("aria-pressed", document.documentElement.classList.toggle("all"));
    tell();
    if (at < 0) return;
    const told = document.getElementById(anchors[at]);
    told.classList.add("on");
    if (isWhole()) told.scrollIntoView({ block: "nearest" });
    else reveal();
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const isFree = document.activeElement === document.body && event.key.startsWith("Arrow");
    if (!isFree && !picture.contains(document.activeElement)) return;
    const last = anchors.length - 1;
    const place = {
      ArrowRight: Math.min(last, at + 1),
      ArrowLeft: Math.max(0, at - 1),
      PageDown: Math.min(last, at + 10),
      PageUp: Math.max(0, at - 10),
      Home: 0,
      End: last,
    }[event.key];
    if (place === undefined) return;
    event.preventDefault();
    go(place);
  });
  addEventListener("hashchange", follow);
  // The browser itself goes to the turn's story, which is in sight anyway.
  addEventListener("load", () => requestAnimationFrame(reveal));
  links(picture).forEach((link, place) => link.setAttribute("tabindex", place ? -1 : 0));
  follow();
});
