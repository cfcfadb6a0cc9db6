"""What a reader finds on a page with the lecture's neuron, and does there."""

from pathlib import Path

import autograd_core as ag

PICTURES = Path(__file__).parent.parent / "pictures"  # where the example graphs lie
STEPS = 10  # five values, forward and backward
PICTURE = '.autograd-core-live[data-live="picture"]'
STEPPER = '.autograd-core-live[data-live="stepper"]'


def counter(stepper):
    """At which step the page says that it stands."""
    return stepper.locator(".agc-counter").inner_text().replace(" ", "")


def steps_with_everything(page):
    """Buttons, slider and keys, on the only stepper of a page or frame; from its first step back to it."""
    stepper = page.locator(STEPPER)
    stepper.scroll_into_view_if_needed()
    assert counter(stepper) == f"1/{STEPS}"
    stepper.get_by_role("button", name="Next step").click()
    assert counter(stepper) == f"2/{STEPS}"
    slider = stepper.locator("input[type=range]")
    slider.fill(str(STEPS - 1))
    assert counter(stepper) == f"{STEPS}/{STEPS}"
    assert stepper.get_attribute("data-phase") == "backward"
    slider.press("ArrowLeft")
    assert counter(stepper) == f"{STEPS - 1}/{STEPS}"
    slider.press("Home")
    assert counter(stepper) == f"1/{STEPS}"


def executed(y):
    """A notebook that was run elsewhere: its cells hold what a picture and a stepper show of themselves."""
    import nbformat  # slowly: it builds parsers

    outputs = {"ag.draw(y)": ag.draw(y), "ag.Stepper(y)": ag.Stepper(y), "ag.live(y)": ag.live(y)}
    made = nbformat.v4.new_notebook()
    for source, shown in outputs.items():
        data = {"text/plain": repr(shown), "text/html": shown._repr_html_()}
        output = nbformat.v4.new_output("execute_result", data, execution_count=1)
        made.cells.append(nbformat.v4.new_code_cell(source, outputs=[output], execution_count=1))
    return made


# --- the living page of the same neuron ---

ELEMENT = "autograd-graph.agl"  # one whose script runs

# Frames asked for within a frame are real ones: Playwright asks again until what it waits for is there.
NEXT_FRAME_IS_NOW = """{ const real = window.requestAnimationFrame; let within = false; window.requestAnimationFrame = (act) => {
  if (within) return real(act);
  within = true;
  try { act(performance.now()); } finally { within = false; }
  return 0; } }"""


def drawing_at_once(page):
    """The page, on which the next frame is now.

    A living page shows changes that come fast with the next frame, so that a test which reads at once would see the
    last change or the one before, by chance.
    """
    page.add_init_script(NEXT_FRAME_IS_NOW)
    return page


def frames_later(page):
    """Wait until two frames have been drawn: what scrolling, a new size or an animation frame sets off has happened."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))")


def computes(page):
    """Steps, a change, a cut and an explanation, on the only living page of a page or frame; back as it was."""
    element = page.locator(ELEMENT)
    element.wait_for()
    element.scroll_into_view_if_needed()
    begun = element.evaluate("e => e.ready.then(() => e.values)")
    leaf = next(iter(begun))
    element.locator(".card.leaf").first.focus()
    element.locator(".card.leaf").first.press("Enter")
    element.locator("input.agl-type").fill("1.25")
    element.locator("input.agl-type").press("Enter")
    changed = element.evaluate("e => e.values")
    assert changed != begun
    assert 1.25 in {v["value"] for v in changed.values()}
    element.locator(".agl-panel").get_by_text("the tangent said").wait_for()  # with the next frame
    element.get_by_role("button", name="Reset: All leaves as recorded").click()
    assert element.evaluate("e => e.values") == begun
    element.get_by_role("button", name="Next step").click()
    assert element.locator(".agl-counter").inner_text() == f"1 of {STEPS}"
    element.get_by_role("button", name="Next step").press("ArrowRight")
    assert element.locator(".agl-counter").inner_text() == f"2 of {STEPS}"
    element.get_by_role("button", name="All numbers").click()
    assert element.evaluate("(e, name) => e.explanation(name).gradient === e.values[name].grad", leaf)
