"""The benchmark of pictures measures what it says; how fast it is, is judged where it runs at full size."""

import importlib.util

from .reading import PICTURES

PATH = PICTURES.parents[1] / "benchmarks" / "pictures.py"


def test_a_page_and_its_steps_are_measured(browser, neuron, tmp_path):
    import autograd_core as ag

    spec = importlib.util.spec_from_file_location("benchmark_pictures", PATH)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    chromium = benchmark.Chromium(browser, tmp_path)
    html = ag.Stepper(neuron)._repr_html_()
    assert 0 < chromium.painted(html, "stepper") < 60
    usual, slow = chromium.step(html, n=9)
    assert 0 < usual <= slow < 60
