-- The beginning of the hour, day, week (Monday), month, quarter or year that an instant lies in. In UTC and without a
-- zone; null for every := 'all'.
CREATE MACRO bucket_of(instant, every) AS
    CASE WHEN every <> 'all'
    THEN date_trunc(CASE every WHEN 'all' THEN 'day' ELSE every END, make_timestamp(epoch_us(instant)))::TIMESTAMP END
