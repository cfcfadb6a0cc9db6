// Pictures take light or dark from the reader's system; where the page is set otherwise, they follow the page.
"use strict";
(() => {
  // browsers read no second file for a page from disk: the search lists titles then, without excerpts
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  const follow = () => {
    const dark = document.documentElement.dataset.theme === "dark";
    for (const frame of document.querySelectorAll("iframe, img")) frame.style.colorScheme = dark ? "dark" : "light";
    const sheets = [...document.querySelectorAll("svg style, .cell_output style, .try-it-html style")].map((style) => style.sheet);
    const visit = (rules) => {
      for (const rule of rules || []) {
        if (rule.media && (rule.agDark !== undefined || /prefers-color-scheme/.test(rule.media.mediaText))) {
          if (rule.agDark === undefined) rule.agDark = /dark/.test(rule.media.mediaText);
          rule.media.mediaText = rule.agDark === dark ? "all" : "not all";
        } else if (rule.cssRules) visit(rule.cssRules);
      }
    };
    for (const sheet of sheets) if (sheet) visit(sheet.cssRules);
  };
  new MutationObserver(follow).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const named = () => { // names for the theme's own buttons that have none, or one beside what is written on them
    for (const button of document.querySelectorAll(".search-button-field")) {
      const written = [...button.querySelectorAll("span, kbd")].map((part) => part.checkVisibility() && !part.children.length ? part.textContent : "").join(" ");
      button.setAttribute("aria-label", written.trim().replace(/\s+/g, " ") || "Search");
    }
    for (const fold of document.querySelectorAll("nav summary")) {
      const link = fold.closest("li")?.querySelector("a");
      if (!fold.textContent.trim() && link) fold.setAttribute("aria-label", `Pages below ${link.textContent.trim()}`);
    }
  };
  const reached = () => { // by keys: a picture that is wider than a phone scrolls
    for (const box of document.querySelectorAll(".bd-article p:has(> img), .bd-article p:has(> picture)")) {
      if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX === "auto") box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", reached);
  document.addEventListener("DOMContentLoaded", () => {
    named();
    reached();
    follow();
    for (const place of document.querySelectorAll(".cell_output")) new MutationObserver(follow).observe(place, { childList: true, subtree: true });
  });
})();
