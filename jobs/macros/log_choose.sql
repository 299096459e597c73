-- The natural logarithm of how many ways there are to choose k of n.
CREATE MACRO log_choose(n, k) AS lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)
