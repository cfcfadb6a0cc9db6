"""The stepper as a Jupyter widget, which reports its position to Python and can be driven from it."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from ..page import embed

if TYPE_CHECKING:
    from collections.abc import Callable

RENDER = """
export default {
  render({ model, el }) {
    const image = h("img", { alt: model.get("_alt"), src: `data:image/svg+xml;base64,${model.get("_image")}` });
    const id = `agc-${Math.random().toString(36).slice(2, 10)}`;
    const root = h("div", { id, class: "autograd-core-live", "data-lm-suppress-shortcuts": "true" }, image);
    el.append(root);
    mount(root, "stepper", model.get("_data"));
    const { stepper } = root;
    const follow = () => { if (model.get("index") !== stepper.index) stepper.goto(model.get("index")); };
    root.addEventListener("agc-step", ({ detail }) => {
      if (model.get("index") === detail) return;
      model.set("index", detail);
      model.save_changes();
    });
    model.on("change:index", follow);
    follow();
    return () => model.off("change:index", follow);
  },
};
"""


class StepperWidget(anywidget.AnyWidget):
    """What `Stepper.widget()` returns; its trait `index` is kept equal to the position in every view and in Python."""

    _esm = embed.script("stepper") + RENDER
    _css = embed.style("stepper")
    _alt = traitlets.Unicode().tag(sync=True)
    _image = traitlets.Unicode().tag(sync=True)
    _data = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)

    def __init__(self, svg: str, alt: str, data: dict[str, Any], index: int, go: Callable[[int], int]) -> None:
        self._go = go  # moves to a step and returns the new position
        super().__init__(_image=b64encode(svg.encode()).decode(), _alt=alt, _data=data, index=index)

    @traitlets.observe("index")
    def _moved(self, change: Any) -> None:
        self._go(change.new)
