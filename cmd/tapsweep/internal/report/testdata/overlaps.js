// The elements that run out of the page, and the labels that stand over another one.
(() => {
	const wrong = [], seen = [];
	for (const e of document.querySelectorAll("body *")) {
		const out = e.clientWidth && e.getBoundingClientRect().right > innerWidth + 1;
		if (out && !e.closest(".scroll, svg, .sr, .skip")) wrong.push(e.tagName + "." + e.className + " runs out");
	}
	const over = (b, c) => b.left < c.right - 1 && c.left < b.right - 1 && b.top < c.bottom - 4 && c.top < b.bottom - 4;
	for (const e of document.querySelectorAll("svg text")) {
		if (getComputedStyle(e).display === "none") continue;
		const b = e.getBoundingClientRect(), text = e.textContent;
		if (b.left < 0 || b.right > innerWidth) wrong.push(text + " runs out");
		for (const [c, other] of seen) if (over(b, c)) wrong.push(text + " over " + other);
		seen.push([b, text]);
	}
	return wrong;
})()
