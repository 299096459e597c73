-- What stands of each case now? One row per item and policy id, with the columns of `outcomes`: the outcome that was
-- decided last, whichever version of the policy and whichever judge decided it. How it is told, and caveats: `standing`.
SELECT * FROM standing()
