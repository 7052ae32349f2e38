"""`make bench`: every budget of the design, each with a ratio against something named."""

from benchmarks import caller, imports, llm, worker

if __name__ == "__main__":
    worker.main()
    imports.main()
    caller.main()
    llm.main()
