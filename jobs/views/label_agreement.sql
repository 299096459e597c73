-- How often is the judge right? One row per policy with labels: policy_id, labelled; tp, fp, fn, tn (a positive is a
-- violation; a rejection counts as the wrong answer), rejected; then precision, recall and kappa (Cohen 1960), each with
-- its limits (..._low, ..._high) at 95 %. A figure that can't be had, as recall without a violation, is null.
-- Counts are of labels; figures weigh each by `weight`, as a sample that was not drawn at random must be; a label without
-- one weighs as much as the others do on average. Limits are Wilson's for an effective number of labels: of precision
-- p (1 - p) / variance, the variance as the labels show it, where an item of weight 1 is known (Poisson sampling, linear;
-- Saerndal, Swensson, Wretman 1992, 5.8), or if they show none, Kish's (1965), as `effective_number` has it; of recall, as
-- misses are few and heavy, (sum of weights)^2 / sum of their squares if that is less. Kappa's limits are those of the
-- share that agrees, by that same number, chance agreement held at what it was found to be, and null where weights
-- differ: of labels drawn by score they would say next to nothing.
-- Caveats: of what was labelled; without weights that says something of all only if it was drawn at random.
WITH counted AS (
    SELECT policy_id, count(*) AS labelled,
           count(*) FILTER (said AND "label") AS tp, count(*) FILTER (said AND NOT "label") AS fp,
           count(*) FILTER (NOT said AND "label") AS fn, count(*) FILTER (NOT said AND NOT "label") AS tn,
           count(*) FILTER (rejected) AS rejected,
           coalesce(sum(weight) FILTER (said AND "label"), 0) AS both_weight,
           coalesce(sum(weight) FILTER (said = "label"), 0) AS same_weight,
           coalesce(sum(weight) FILTER (said), 0) AS said_weight, coalesce(sum(weight) FILTER ("label"), 0) AS true_weight,
           sum(weight ** 2) FILTER (said) AS said_squares, sum(weight ** 2) FILTER ("label") AS true_squares,
           coalesce(sum(spread) FILTER (said AND "label"), 0) AS both_spread,
           coalesce(sum(spread) FILTER (said AND NOT "label"), 0) AS alarms_spread,
           coalesce(sum(spread) FILTER (NOT said AND "label"), 0) AS misses_spread,
           sum(weight) AS all_weight, sum(weight ** 2) AS all_squares, min(weight) < max(weight) AS uneven
    FROM (
        SELECT *, weight * greatest(weight - 1, 0) AS spread
        FROM (
            SELECT * REPLACE (coalesce(weight, avg(weight) OVER (PARTITION BY policy_id), 1e9) AS weight) FROM labelled
        )
    )
    GROUP BY policy_id
), figures AS (
    SELECT *, both_weight / nullif(said_weight, 0) AS "precision", both_weight / nullif(true_weight, 0) AS recall,
           same_weight / all_weight AS same, all_weight ** 2 / all_squares AS all_n,
           said_weight / all_weight * (true_weight / all_weight)
           + (1 - said_weight / all_weight) * (1 - true_weight / all_weight) AS chance
    FROM counted
), effective AS (
    SELECT *,
           effective_number("precision", both_spread, alarms_spread, said_weight, said_squares) AS said_n,
           least(
               effective_number(recall, both_spread, misses_spread, true_weight, true_squares),
               true_weight ** 2 / true_squares
           ) AS true_n
    FROM figures
), limited AS (
    SELECT *, CASE WHEN tp + fp > 0 THEN wilson("precision" * said_n, said_n) END AS precision_limits,
           CASE WHEN tp + fn > 0 THEN wilson(recall * true_n, true_n) END AS recall_limits,
           wilson(same * all_n, all_n) AS same_limits, CASE WHEN chance < 1 THEN 1 - chance END AS beyond
    FROM effective
)
SELECT policy_id, labelled, tp, fp, fn, tn, rejected,
       "precision", precision_limits.low AS precision_low, precision_limits.high AS precision_high,
       recall, recall_limits.low AS recall_low, recall_limits.high AS recall_high,
       (same - chance) / beyond AS kappa,
       CASE WHEN beyond IS NOT NULL AND NOT uneven THEN greatest(-1.0, (same_limits.low - chance) / beyond) END
       AS kappa_low,
       CASE WHEN NOT uneven THEN (same_limits.high - chance) / beyond END AS kappa_high
FROM limited
ORDER BY policy_id
