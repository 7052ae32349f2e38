"""`make bench`: every budget of the design, each with a ratio against something named."""

from benchmarks import caller, forest, imports, llm_caller, llm_check, llm_load, llm_worker, replay, spool, worker

if __name__ == "__main__":
    worker.main()
    forest.main()
    replay.main()
    imports.main()
    caller.main()
    llm_caller.main()
    llm_worker.main()
    llm_load.main()
    llm_check.main()
    spool.main()
