-- The Wilson score interval (Wilson 1927) of the rate hits / of, at 95 %: a struct of low and high; 0 to 1 of nothing.
-- Both may be sums of weights, if `of` is an effective number. The same as assay.intervals.wilson.
CREATE MACRO wilson(hits, of) AS (
    CASE WHEN coalesce(of, 0) <= 0 THEN {'low': 0.0::DOUBLE, 'high': 1.0::DOUBLE}
    ELSE {
        'low': CASE WHEN hits <= 0 THEN 0.0::DOUBLE ELSE
            (hits + 1.9207294103470745 - 1.959963984540054 * sqrt(hits * (1 - hits / of::DOUBLE) + 0.9603647051735373))
            / (of + 3.841458820694149) END,
        'high': CASE WHEN hits >= of THEN 1.0::DOUBLE ELSE
            (hits + 1.9207294103470745 + 1.959963984540054 * sqrt(hits * (1 - hits / of::DOUBLE) + 0.9603647051735373))
            / (of + 3.841458820694149) END
    } END
)
