-- The interval of hits / of - hits_before / of_before, two independent rates, at 95 %: a struct of low and high.
-- Newcombe's method 10 (1998), from Wilson's limits of both; null if either is a rate of nothing.
CREATE MACRO newcombe(hits, of, hits_before, of_before) AS (
    CASE WHEN of > 0 AND of_before > 0 THEN {
        'low': hits / of - hits_before / of_before
            - sqrt((hits / of - wilson(hits, of).low) ** 2
                 + (wilson(hits_before, of_before).high - hits_before / of_before) ** 2),
        'high': hits / of - hits_before / of_before
            + sqrt((wilson(hits, of).high - hits / of) ** 2
                 + (hits_before / of_before - wilson(hits_before, of_before).low) ** 2)
    } END
)
