-- What a query may name: kind (view, column, macro, table_macro), name, the view that a column is of, what to say about
-- it (what a view or macro answers; a column's type), and a macro's parameters. Columns in their order.
SELECT 'view' AS kind, view_name AS name, '' AS of_view, coalesce(comment, '') AS about, '' AS parameters, 0 AS place
FROM duckdb_views() WHERE NOT internal
UNION ALL
SELECT 'column', column_name, table_name, data_type, '', column_index
FROM duckdb_columns() WHERE NOT internal
UNION ALL
SELECT function_type, function_name, '', coalesce(comment, ''), array_to_string(parameters, ', '), 0
FROM duckdb_functions() WHERE NOT internal AND function_type IN ('macro', 'table_macro')
ORDER BY kind, of_view, place, name
