"""What a gradient and a Hessian-vector product cost against the value, while the graph grows a hundredfold.

    python benchmarks/linear_time.py                        prints the table, in half a minute
    python benchmarks/linear_time.py --widths 4 8           other sizes of the hidden layers
    python benchmarks/linear_time.py --plot linear_time.png  draws it as well

Products are multiply-adds of a reverse sweep, counted; they hold everywhere. Times are processor time, the fastest of
some samples, with the garbage collected before each; they hold for this machine. `Hv` is a Hessian-vector product: the
first one records the gradient as a graph, the next ones sweep it for other vectors.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the package of this checkout, installed or not

from nn.experiments.costs import linear_time


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Cost of value, gradient and Hessian-vector product.")
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 8, 16, 32, 64], help="of two hidden layers each")
    parser.add_argument("--repeats", type=int, default=5, help="samples, of which the fastest counts")
    parser.add_argument("--plot", type=Path, default=None, help="where to save a figure")
    options = parser.parse_args(arguments)
    found = linear_time(widths=options.widths, repeats=options.repeats)
    print(found)
    if options.plot:
        found.plot().savefig(options.plot, dpi=100)
    return found


if __name__ == "__main__":
    main()
