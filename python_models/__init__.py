"""What only learning can do: pure functions from frames to results.

Here belong techniques, one package each, that take data frames and a frozen
configuration and return frozen results whose frames have the columns of the `python`
schema. Nothing here reads a file, a clock, an environment variable or a database, and
nothing imports an orchestrator or dbt: `orchestration/` reads the core mart, calls one
function of this room and writes what it returns. What SQL can say belongs in
`models/`, not here.
"""
