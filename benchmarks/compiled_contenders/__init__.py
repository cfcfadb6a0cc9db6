"""What `compiled.py` measures: one calculation, compiled by each library as its users would.

A contender is a function `prepare(size)` that returns `sample(lap)`, as in `contenders.py`. Every call writes its
inputs, and its results can be read after it. What is built and compiled before the first `lap("start")` is not timed.

`calls` has what all of them use. Each calculation has a module; in these every library is called on memory of the
caller's own. `typed` has the calls of the same calculations as people type them, and `heyoka` those of that library.
"""
