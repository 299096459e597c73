-- The two-sided p-value of Fisher's exact test (1935) that hits / of and hits_before / of_before are one rate; null if
-- either is a rate of nothing. Never too small, however rare the hits. Counts that lie more than 40 standard deviations
-- and 40 from the expected one are left out: together they have a chance below 1e-300.
CREATE MACRO fisher(hits, of, hits_before, of_before) AS (
    CASE WHEN of > 0 AND of_before > 0 THEN least(1.0, coalesce(list_sum([
        exp(log_hypergeometric(k, of, of_before, hits + hits_before))
        FOR k IN range(
            greatest(0, hits + hits_before - of_before, floor(
                of * ((hits + hits_before) / (of + of_before))
                - 40 * (1 + sqrt(of * ((hits + hits_before) / (of + of_before)) * (of_before / (of + of_before))))))::BIGINT,
            1 + least(of, hits + hits_before, ceil(
                of * ((hits + hits_before) / (of + of_before))
                + 40 * (1 + sqrt(of * ((hits + hits_before) / (of + of_before)) * (of_before / (of + of_before))))))::BIGINT)
        IF log_hypergeometric(k, of, of_before, hits + hits_before)
            <= log_hypergeometric(hits, of, of_before, hits + hits_before) + 1e-7
    ]), 0.0)) END
)
