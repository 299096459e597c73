"""On the path of the commands that tests run, not of the tests: nothing that assay installs requires pandas.

The tests' statsmodels does; and wherever pyarrow finds it, every process loads it, for a third of a second.
"""

raise ImportError("assay is installed without pandas")
