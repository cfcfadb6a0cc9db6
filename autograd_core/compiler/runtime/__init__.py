"""What a call enters: arguments as arrays, the code that fits them, memory, results.

`call_stubs` first, then `traced_function` (all traces, and which examples they serve), `batches` (arguments as arrays),
`specialization` (one trace and what runs it), `executors` with their `memory`, kept between calls by `kept_executors`;
`bound_call` for loops that write their inputs in place. Calls on Values are one node
(`value_calls`), or are inlined where derivatives of them are taken (`inlined_calls`).
"""
