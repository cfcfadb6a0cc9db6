"""Fifth stage: what a call goes through: arguments as arrays, code that fits them, memory, results.

Read `call_stubs` first and the text that `stub_text` writes for them, then `traced_function` (all specializations,
and which examples each serves), `batches` (arguments as arrays), `specialization` (one trace and what runs it),
`executors` (runners: code with its `memory`), kept between calls by `kept_executors`, and `result_memory`, which
serves large results; `bound_call` for loops that write inputs in place. A call on Values makes one node
(`value_calls`), or is inlined where it will be differentiated again (`inlined_calls`).
"""
