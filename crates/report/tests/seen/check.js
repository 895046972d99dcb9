// What a page must fulfil, as a list of complaints.
(() => {
  const complaints = [];
  const rgb = (text) => {
    const numbers = text.match(/[\d.]+(e-?\d+)?/g).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;
    return [...numbers.slice(0, 3).map((n) => n * scale), numbers[3] ?? 1];
  };
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color[3] > 0.99) return color;
    }
    return [255, 255, 255, 1];
  };
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || ["SCRIPT", "STYLE"].includes(element.tagName) || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const color = rgb(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [luminance(color), luminance(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) complaints.push(`contrast ${ratio.toFixed(2)} of <${element.tagName}> ${element.textContent.trim().slice(0, 40)}`);
  }
  for (const svg of document.querySelectorAll("svg")) {
    const told = svg.getAttribute("aria-hidden") === "true" || (svg.getAttribute("role") === "img" && svg.getAttribute("aria-label"));
    if (!told) complaints.push("a drawing without a text in its place");
  }
  for (const box of document.querySelectorAll(".wrap, pre")) {
    if (box.scrollWidth > box.clientWidth + 1 && box.tabIndex < 0) complaints.push("a box that scrolls cannot be reached by keyboard");
  }
  for (const box of document.querySelectorAll(".cards, pre")) {
    const frame = box.closest(".wrap") ?? box;
    if (frame.scrollWidth > frame.clientWidth + 1) complaints.push(`<${box.tagName} class="${box.className}"> is cut off`);
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) complaints.push(`the page is ${wide} pixels wider than the window`);
  if (/\bNaN\b|undefined/.test([...document.querySelectorAll("[d]")].map((e) => e.getAttribute("d")).join(" "))) complaints.push("NaN in a drawing");
  const cells = (row) => [...row.cells].map((cell) => cell.textContent.trim());
  const table = document.getElementById("history");
  return {
    complaints,
    title: document.title,
    text: document.body.innerText,
    columns: table ? cells(table.tHead.rows[0]) : [],
    rows: table ? [...table.tBodies[0].rows].map(cells) : [],
    kept: table ? [...table.tBodies[0].rows].findIndex((row) => row.className === "kept") : -1,
  };
})();
