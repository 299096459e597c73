-- How many labels of equal weight would spread as much as these, of which a weighted share is taken? By definition
-- share * (1 - share) / variance of the ratio estimate (Poisson sampling, linear; Saerndal, Swensson, Wretman 1992, 5.8).
-- `hits_spread` and `other_spread` are the sums of weight * (weight - 1) of those that have what is counted and of those
-- that don't, `whole` the sum of all weights, `squares` that of their squares. If the labels show no spread, Kish's
-- number (1965) with whole ** 2 / (squares - whole), as those of weight 1 are known; of a domain that is known whole, all
-- weights 1, 1e15: its limits are its share.
CREATE MACRO effective_number(share, hits_spread, other_spread, whole, squares) AS (
    CASE
        WHEN squares <= whole * (1 + 1e-9) THEN 1e15
        WHEN hits_spread * (1 - share) ** 2 + other_spread * share ** 2 > 1e-18 * whole ** 2
        THEN share * (1 - share) * whole ** 2 / (hits_spread * (1 - share) ** 2 + other_spread * share ** 2)
        ELSE whole ** 2 / (squares - whole)
    END
)
