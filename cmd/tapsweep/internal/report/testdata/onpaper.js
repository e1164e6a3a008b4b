// How many rows the style lets a printer have, and the sentence about the filter that it gets.
(() => {
	dispatchEvent(new Event("beforeprint"));
	const print = Array.from(document.styleSheets[0].cssRules).filter((rule) => rule.media?.mediaText === "print");
	for (const rule of print) rule.media.mediaText = "all";
	const rows = Array.from(document.querySelectorAll("#pairs tbody tr"));
	const visible = rows.filter((tr) => getComputedStyle(tr).display !== "none").length;
	for (const rule of print) rule.media.mediaText = "print";
	const printed = document.getElementById("printed"), filter = printed.hidden ? "" : printed.textContent;
	dispatchEvent(new Event("afterprint"));
	return [visible, filter];
})()
