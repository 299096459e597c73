-- The natural logarithm of the chance that, of `hits` hits among n + n_before, k fall among the n.
CREATE MACRO log_hypergeometric(k, n, n_before, hits) AS
    log_choose(n, k) + log_choose(n_before, hits - k) - log_choose(n + n_before, hits)
