"""How the small judge is made from labelled data, and measured beside simple baselines. Not part of the wheel."""
