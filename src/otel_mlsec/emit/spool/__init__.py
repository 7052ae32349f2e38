"""What keeps findings until their receiver has them: on disk, through crashes and outages; in memory where no disk is.

From below: `frame` (one record in one line), `segment` (one file), `disk` (the files of one process), `home` (whose they are) and
`memory`, `store` (all that waits for one receiver), `spool` (the thread that sends it).
"""
