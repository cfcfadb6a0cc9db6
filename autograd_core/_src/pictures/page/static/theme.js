// Adapts to the surrounding page: light or dark, as set by a notebook, a site or the system, and the height of frames.

const DARK = ["dark", "dark-mode", "dark-theme", "theme-dark", "vscode-dark", "vscode-high-contrast", "quarto-dark"];
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

// This document, and the parent document if a notebook puts outputs into frames.
function pages() {
  try {
    return window.parent.document === document ? [document] : [document, window.parent.document];
  } catch {
    return [document];  // a frame in a page of another origin
  }
}

function themeOfPage() {
  for (const { body, documentElement } of pages()) {
    if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "true" ? "light" : "dark";
    for (const { dataset, classList } of [body, documentElement]) {
      const said = [dataset.vscodeThemeKind, dataset.theme, ...classList];
      if (said.some((word) => DARK.includes(word))) return "dark";
      if (said.some((word) => DARK.includes(word?.replace("light", "dark")))) return "light";
    }
  }
  return prefersDark.matches ? "dark" : "light";
}

// Apply the page's theme to the elements that `found()` returns, now and on changes; the result applies it again.
function followTheme(found, fixed) {
  const apply = () => {
    const theme = fixed && fixed !== "auto" ? fixed : themeOfPage();
    for (const element of found()) if (element) element.dataset.theme = theme;
  };
  const observer = new MutationObserver(apply);
  const attributeFilter = ["class", "data-theme", "data-jp-theme-light", "data-vscode-theme-kind"];
  for (const { body, documentElement } of pages()) for (const element of [body, documentElement]) observer.observe(element, { attributeFilter });
  prefersDark.addEventListener("change", apply);
  apply();
  return apply;
}

// marimo puts each output into a frame of 400 pixels, and its resizing measures the wrong element.
function fitFrame(roots) {
  const fit = () => { window.frameElement.style.height = `${Math.max(...roots.map((root) => root.getBoundingClientRect().bottom)) + scrollY + 16}px`; };
  try {
    if (!window.frameElement || !window.parent.__resizeIframe) return;
  } catch { return; /* a frame of another origin */ }
  const observer = new ResizeObserver(fit);
  roots.forEach((root) => observer.observe(root));
}
