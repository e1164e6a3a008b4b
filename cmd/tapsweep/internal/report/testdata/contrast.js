// The least contrast of a text with its ground, and that text.
// Source: www.w3.org/TR/WCAG21, "relative luminance" and "contrast ratio".
(() => {
	const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
	const linear = (x) => ((x /= 255) <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
	const luminance = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
	const background = (e) => {
		for (; e; e = e.parentElement) {
			const c = rgb(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] > 0) return c;
		}
		return [255, 255, 255];
	};
	// A label stands on a part of the bar.
	const partOfBar = (e) => [rgb(getComputedStyle(document.querySelector(".counts ." + e.classList[1])).color)];
	const hasText = (e) => Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.data.trim());
	let least = [99, ""];
	for (const e of document.querySelectorAll("body *")) {
		if (!hasText(e) || ["SCRIPT", "title", "desc"].includes(e.tagName) || e.disabled) continue;
		const style = getComputedStyle(e), svg = e instanceof SVGElement;
		const around = [background(svg ? e.closest("figure") || e.parentElement : e)];
		for (const ground of e.classList.contains("on") ? partOfBar(e) : around) {
			const a = luminance(rgb(svg ? style.fill : style.color)), b = luminance(ground);
			const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
			const text = e.tagName + "." + e.getAttribute("class") + " " + e.textContent.slice(0, 30);
			if (contrast < least[0]) least = [contrast, text];
		}
	}
	return least;
})()
