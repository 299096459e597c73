"""Contents of our own: our own sentences, put together by seeded generators. No data set of such contents is used."""
