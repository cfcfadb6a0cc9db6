"""A notebook exported to HTML and opened without a network: picture and stepper work as they do at home."""

import pytest

from .reading import ELEMENT, PICTURE, STEPPER, computes, executed, steps_with_everything

# nbconvert's own page asks other hosts for MathJax, RequireJS and Mermaid, and does without them.
FOREIGN = (
    r"network: https://(cdnjs\.cloudflare\.com|cdn\.jsdelivr\.net)/",
    r"console: (Failed to load resource|Access to script at|Error while initializing mermaid)",
    r"thrown: .*(require|mermaid|Failed to fetch dynamically imported module)",
)


@pytest.fixture
def exported(neuron):
    exporters = pytest.importorskip("nbconvert", reason="needs nbconvert: pip install -e '.[test,browser]'")
    html, _ = exporters.HTMLExporter().from_notebook_node(executed(neuron))
    return html


def test_picture_and_stepper_work_with_no_network(exported, page, save_page):
    page.watch.allowed += FOREIGN
    page.goto(save_page(exported))
    assert page.locator(f"{PICTURE} svg .card").count() == 10
    steps_with_everything(page)
    computes(page)


def test_where_scripts_are_off_pictures_and_words_are_there(exported, new_page, save_page):
    page = new_page(java_script_enabled=False)
    page.watch.allowed += FOREIGN
    page.goto(save_page(exported))
    images = page.locator(".jp-OutputArea-output img")
    assert images.count() == 3
    assert all(image.bounding_box()["width"] > 300 for image in images.all())
    assert page.get_by_text("Backward", exact=False).first.is_visible()
    assert page.locator(STEPPER).count() == page.locator(ELEMENT).count() == 0


def test_two_copies_of_one_output_are_two_steppers(neuron, page, save_page):
    """A page may hold the same output twice: each has its own ids and its own position."""
    import autograd_core as ag

    html = ag.Stepper(neuron)._repr_html_()
    page.goto(save_page(html + html))
    steppers = page.locator(STEPPER)
    assert steppers.count() == 2
    steppers.nth(1).get_by_role("button", name="Next step").click()
    assert [s.replace(" ", "") for s in page.locator(".agc-counter").all_inner_texts()] == ["1/10", "2/10"]
    ids = page.locator("[id]").evaluate_all("elements => elements.map((element) => element.id)")
    assert len(ids) == len(set(ids))
