// What is wrong with the texts of a page, as far as it can be measured.

// Texts that are wider than their boxes.
function cutTexts() {
  return [...document.querySelectorAll("h1,h2,h3,p,li,button,summary,label,.name,.card")]
    .filter((e) => e.offsetParent && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1)
    .map((e) => e.textContent.slice(0, 60));
}

// Texts of drawings that lie over each other or outside.
function overlappingTexts() {
  const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
  return [...document.querySelectorAll("svg.drawing")]
    .filter((svg) => svg.getClientRects().length)
    .flatMap((svg) => {
      const texts = [...svg.querySelectorAll("text")].map((t) => [t.textContent, t.getBoundingClientRect()]);
      const edge = svg.getBoundingClientRect();
      return texts.flatMap(([text, box], i) => [
        ...texts.slice(i + 1).filter(([, other]) => over(box, other)).map(([other]) => `${text} / ${other}`),
        ...(box.left < edge.left - 2 || box.right > edge.right + 2 ? [`${text} leaves the drawing`] : []),
      ]);
    });
}

// Texts with less contrast than 4.5 to 1, the least that WCAG asks for.
function faintTexts() {
  const part = (c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = (rgb) => {
    const [r, g, b] = rgb.match(/[\d.]+/g).map(Number);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const { backgroundColor } = getComputedStyle(e);
      if (!/, 0\)$|transparent/.test(backgroundColor)) return backgroundColor;
    }
    return "rgb(255,255,255)";
  };
  return [...document.querySelectorAll("h1,h2,p,li,a,button,summary,label,td,th,svg.drawing text")]
    .filter((e) => e.getClientRects().length && e.textContent.trim())
    .flatMap((e) => {
      const style = getComputedStyle(e);
      const own = light(e.ownerSVGElement ? style.fill : style.color);
      const [bright, dark] = [own, light(ground(e))].sort((a, b) => b - a);
      const ratio = (bright + 0.05) / (dark + 0.05);
      return ratio < 4.5 ? [`${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 40)}`] : [];
    });
}

// Whether the page can be moved sideways.
function tooWide() {
  return document.documentElement.scrollWidth > innerWidth;
}
